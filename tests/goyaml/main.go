// Command goyaml reads YAML texts as Flux's readers do: go.yaml.in/yaml/v3, and sigs.k8s.io/yaml.
//
// Standard input: a JSON string a line. Standard output: a JSON object a line with what each reader made of it,
// or its error. In "v3" a scalar that is no string is {"!": its type}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	v3 "go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

type answer struct {
	V3        []any           `json:"v3"`
	V3Error   string          `json:"v3_error,omitempty"`
	Sigs      json.RawMessage `json:"sigs,omitempty"`
	SigsError string          `json:"sigs_error,omitempty"`
}

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	defer out.Flush()
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var text string
		if err := requests.Decode(&text); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		if err := answers.Encode(read(text)); err != nil {
			panic(err)
		}
	}
}

func read(text string) (result answer) {
	decoder := v3.NewDecoder(strings.NewReader(text))
	for {
		var document any
		if err := decoder.Decode(&document); err == io.EOF {
			break
		} else if err != nil {
			result.V3Error = err.Error()
			break
		}
		result.V3 = append(result.V3, shown(document))
	}
	if converted, err := sigs.YAMLToJSON([]byte(text)); err != nil {
		result.SigsError = err.Error()
	} else {
		result.Sigs = converted
	}
	return result
}

// shown is the value as JSON: strings stay strings, and what is none says what it is.
func shown(value any) any {
	switch one := value.(type) {
	case string:
		return one
	case []any:
		list := []any{}
		for _, item := range one {
			list = append(list, shown(item))
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for key, item := range one {
			object[key] = shown(item)
		}
		return object
	case map[any]any:
		object := map[string]any{}
		for key, item := range one {
			object[fmt.Sprintf("%T %v", key, key)] = shown(item)
		}
		return object
	default:
		return map[string]any{"!": fmt.Sprintf("%T", value), "=": fmt.Sprint(value)}
	}
}
