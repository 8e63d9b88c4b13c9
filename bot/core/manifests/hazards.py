"""Every reason not to edit has one stable code and one fix, and they all stand here."""

from __future__ import annotations

from bot.core.models import Refusal

REASONS = {
    "alias": "change the value where the anchor is, or write it out here",
    "ambiguous_version": "make all places of the image name one version",
    "anchor_shared": "write the version out for each image, without the alias",
    "bad_value": "give one line of text without control characters",
    "bad_version": "write a tag, `tag@sha256:…` or a digest there",
    "bom_inside": "remove the byte order mark that is not at the start of the file",
    "chart_tag_beside": "leave the digest or the tag of the OCIRepository, not both",
    "conflicting_edits": "ask for one value only",
    "control_character": "remove the character",
    "digest_elsewhere": "write the digest beside the tag, the two change together",
    "digest_unknown": "give the digest too, or do not pin the image",
    "document_ambiguous": "give each object of the file its own kind, namespace and name",
    "document_missing": "correct the name, or add the object",
    "duplicate_key": "remove all but one of the equal keys, readers disagree which one counts",
    "embedded": "write the text as a block that begins with `|`, or keep it as a file of its own",
    "empty_value": "write the present value there once, empty means the default of the chart",
    "encrypted": "change it with sops, any other edit breaks its checksum",
    "file_missing": "correct the file's name in the configuration, or add the file",
    "image_field_missing": "add the image's repository and tag to the values source",
    "item_ambiguous": "give each item of the list its own name, or name the item by its number",
    "lfs": "take the file out of Git LFS, what Flux reads must be in git itself",
    "merged_key": "write the key out here, or name the place that it is merged from",
    "multi_line": "write the value on one line",
    "not_a_mapping": "make a mapping of it, as the environment's own file has it",
    "not_a_scalar": "name a place that holds one value",
    "not_parsable": "correct the YAML there",
    "not_utf8": "save the file as UTF-8",
    "other_image": "correct the key in the configuration, or the repository in the file",
    "path_missing": "correct the path, or add the key",
    "readers_disagree": "replace the line separators U+0085, U+2028 and U+2029 by ordinary line ends or spaces",
    "replaced": "change what the replacement takes it from, or write the value out here",
    "second_opinion": "simplify the YAML around the value, a second reader no longer accepts the file",
    "several_tags": "set each by hand, or name one of them by `keys`",
    "shared_place": "give this environment a place of its own, as `gitops-bot places` writes it",
    "substituted": "change the variable where Flux takes it from, or write the value out here",
    "tag_unknown": "write the tag before the digest in the environment before, or the digest alone here",
    "tagged": "remove the YAML tag, or use !!str",
    "templated": "change the values of the template instead, templates are not edited",
    "too_deep": "nest less deeply",
    "variable_retyped": "put the variable into a longer text, such as repository:${tag}, or take another tag",
    "variable_shared": "give this image or chart a variable of its own",
    "too_large": "take the file apart",
    "verification_failed": "report the file, the edit would have changed something else too",
}
"""Reason code → what a person does about it."""


class Hazard(Exception):
    """Raised inside this package when an edit must not be made; `edit` and the finders turn it into a `Refusal`."""

    def __init__(self, code: str, line: int, what: str) -> None:
        super().__init__(what)
        self.code, self.line, self.what = code, line, what

    def refusal(self, file: str, path: str = "") -> Refusal:
        """The same as a value: `path` is a JSON Pointer, empty for the whole file."""
        return Refusal(file, self.line, path, self.code, f"{self.what}; {REASONS[self.code]}")
