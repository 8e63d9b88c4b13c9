"""Why something that was found is skipped: the codes of discovery, beside those of every edit."""

from __future__ import annotations

from bot.core.manifests.hazards import REASONS

OWN = {
    "ambiguous_base": "write the image's repository or the chart's name beside the version",
    "bad_marker": 'write it as `# {"$imagepolicy": "namespace:policy:tag"}` behind the value',
    "base_unknown": "name the patch and its base in a kustomization, or write the chart's name beside the version",
    "chart_from_source": "do nothing, the chart is as new as its source",
    "chart_unversioned": "write the version of the chart",
    "compose": "change it there, Flux applies no such file",
    "cycle": "take one of the kustomizations out of the other",
    "flux_version": "change it there, it is no image and no chart",
    "generated": "generate it anew with a newer flux",
    "git_ref": "change it there, it is no image and no chart",
    "helmfile": "change it there, Flux applies no such file",
    "inline_patch": "write the text as a block that begins with `|`, or the patch as a file of its own",
    "locked": "change it with helm, its lock file has to change too",
    "not_an_image": "write it as host/path:tag or host/path@sha256:…",
    "not_yaml": "give it a name that ends in .yaml, JSON is YAML too",
    "overridden": "change it there, or take that away",
    "remote_resource": "copy it into the repository, or change its versions where it comes from",
    "repository_unknown": "write the image's repository beside the version",
    "resource_missing": "correct the name, or add the file or the folder with its kustomization.yaml",
    "several_markers": "give each value a line of its own, with one marker behind it",
    "target_path": "change it where it comes from, or write it in the values",
    "tested": "take the operation out, or change it together with the value that it tests",
    "untagged": "write the tag or digest that is to run",
}
"""Reason code → what a person does about it, for what no edit is asked for yet."""

FIXES = REASONS | OWN
