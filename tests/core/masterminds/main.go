// Answers what github.com/Masterminds/semver/v3, github.com/fluxcd/pkg/version and the standard library's regexp say, for
// the tests to compare with.
//
// A question is a line of JSON on standard input, its answer a line on standard output:
//
//	{"range": text, "tags": [text…]}                      → {"valid": bool, "tags": ["" | "strict" | "loose"…],
//	                                                         "matches": [bool…], "order": [-1 | 0 | 1…]}
//	{"filter": text, "extract": text, "tags": [text…]}    → {"valid": bool, "extracted": [text | null…]}
//
// A tag is strict where Flux counts it as a version, `order` compares each version with the next one.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"

	"github.com/Masterminds/semver/v3"
	flux "github.com/fluxcd/pkg/version"
)

type question struct {
	Range   *string
	Filter  string
	Extract string
	Tags    []string
}

type answer struct {
	Valid     bool      `json:"valid"`
	Tags      []string  `json:"tags"`
	Matches   []bool    `json:"matches"`
	Order     []int     `json:"order"`
	Extracted []*string `json:"extracted"`
}

func kind(tag string) (string, *semver.Version) {
	version, err := semver.NewVersion(tag)
	if err != nil {
		return "", nil
	}
	if _, err := flux.ParseVersion(tag); err != nil {
		return "loose", version
	}
	return "strict", version
}

func inRange(asked question) (given answer) {
	constraint, err := semver.NewConstraint(*asked.Range)
	given.Valid = err == nil
	var before *semver.Version
	for _, tag := range asked.Tags {
		name, version := kind(tag)
		given.Tags = append(given.Tags, name)
		given.Matches = append(given.Matches, given.Valid && version != nil && constraint.Check(version))
		if version != nil {
			if before != nil {
				given.Order = append(given.Order, before.Compare(version))
			}
			before = version
		}
	}
	return given
}

func filtered(asked question) (given answer) {
	filter, err := regexp.Compile(asked.Filter)
	given.Valid = err == nil
	if err != nil {
		return given
	}
	for _, tag := range asked.Tags {
		var text *string
		if found := filter.FindStringSubmatchIndex(tag); found != nil {
			expanded := string(filter.ExpandString(nil, asked.Extract, tag, found))
			text = &expanded
		}
		given.Extracted = append(given.Extracted, text)
	}
	return given
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	write := json.NewEncoder(out)
	for in.Scan() {
		var asked question
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			panic(err)
		}
		answers := inRange
		if asked.Range == nil {
			answers = filtered
		}
		if err := write.Encode(answers(asked)); err != nil {
			panic(err)
		}
	}
}
