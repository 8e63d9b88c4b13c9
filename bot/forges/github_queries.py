"""What the bot asks GitHub by GraphQL: one query a kind; every list has the page information that shows a cut.

https://docs.github.com/en/graphql/reference
"""

from __future__ import annotations

_PAGE = "pageInfo { hasNextPage endCursor }"
_ACTOR = "author { __typename login }"
_REVIEWS = f"{_PAGE} nodes {{ state submittedAt commit {{ oid }} {_ACTOR} }}"
_COMMENTS = f"{_PAGE} nodes {{ fullDatabaseId body viewerDidAuthor }}"
_SAID = f"id body createdAt lastEditedAt viewerDidAuthor {_ACTOR} reactionGroups {{ content viewerHasReacted }}"
_BACK = "pageInfo { hasPreviousPage startCursor }"
_CONTEXTS = f"""{_PAGE} nodes {{
  __typename
  ... on StatusContext {{ context state description }}
  ... on CheckRun {{
    name status conclusion title
    checkSuite @include(if: $workflows) {{ workflowRun {{ workflow {{ resourcePath }} }} }}
  }}
}}"""
_WRITERS = "nodes { commit { author { user { login } } committer { user { login } } } }"
_HEAD = "query($owner: String!, $name: String!"

PULL_REQUESTS = f"""
{_HEAD}, $states: [PullRequestState!]!, $open: Boolean!, $size: Int!, $after: String, $workflows: Boolean!) {{
  viewer {{ login }}
  repository(owner: $owner, name: $name) {{
    defaultBranchRef {{ name }}
    pullRequests(states: $states, first: $size, after: $after, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
      {_PAGE}
      nodes {{
        id number title body state headRefName headRefOid baseRefName isCrossRepository {_ACTOR}
        autoMergeRequest {{ enabledAt }}
        labels(first: 100) {{ {_PAGE} nodes {{ name }} }}
        comments(first: 30) {{ {_COMMENTS} }}
        reviews(first: 50) @include(if: $open) {{ {_REVIEWS} }}
        commits(last: 50) @include(if: $open) {{ {_BACK} {_WRITERS} }}
        headRef @include(if: $open) {{
          target {{ oid ... on Commit {{ statusCheckRollup {{ contexts(first: 50) {{ {_CONTEXTS} }} }} }} }}
        }}
      }}
    }}
  }}
}}
"""
"""`open`: with reviews and statuses, of which only those of an open pull request count."""

MORE_REVIEWS = f"""
query($id: ID!, $after: String) {{
  node(id: $id) {{ ... on PullRequest {{ reviews(first: 100, after: $after) {{ {_REVIEWS} }} }} }}
}}
"""

EARLIER_COMMITS = f"""
query($id: ID!, $before: String) {{
  node(id: $id) {{ ... on PullRequest {{ commits(last: 100, before: $before) {{ {_BACK} {_WRITERS} }} }} }}
}}
"""

MORE_CONTEXTS = f"""
{_HEAD}, $oid: GitObjectID!, $after: String, $workflows: Boolean!) {{
  repository(owner: $owner, name: $name) {{
    object(oid: $oid) {{
      ... on Commit {{ statusCheckRollup {{ contexts(first: 100, after: $after) {{ {_CONTEXTS} }} }} }}
    }}
  }}
}}
"""

COMMENTS = f"""
{_HEAD}, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    talk: issueOrPullRequest(number: $number) {{
      ... on PullRequest {{ comments(first: 100, after: $after) {{ {_COMMENTS} }} }}
      ... on Issue {{ comments(first: 100, after: $after) {{ {_COMMENTS} }} }}
    }}
  }}
}}
"""

MERGEABLE = f"""
{_HEAD}, $number: Int!, $head: GitObjectID!, $context: String!, $auto: Boolean!) {{
  repository(owner: $owner, name: $name) {{
    autoMergeAllowed @include(if: $auto)
    pullRequest(number: $number) {{ id state headRefOid mergeable autoMergeRequest {{ enabledAt }} }}
    object(oid: $head) {{
      ... on Commit {{
        status {{
          context(name: $context) {{ state description isRequired(pullRequestNumber: $number) @include(if: $auto) }}
        }}
      }}
    }}
  }}
}}
"""
"""`auto`: with what must be so before it is left to GitHub."""

AUTO_MERGE = f"""
{_HEAD}, $number: Int!) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{ id state autoMergeRequest {{ enabledAt }} }}
  }}
}}
"""

ENABLE_AUTO_MERGE = """
mutation($request: ID!, $head: GitObjectID!) {
  enablePullRequestAutoMerge(input: {pullRequestId: $request, expectedHeadOid: $head, mergeMethod: MERGE}) {
    pullRequest { id }
  }
}
"""

DISABLE_AUTO_MERGE = """
mutation($request: ID!) {
  disablePullRequestAutoMerge(input: {pullRequestId: $request}) { pullRequest { id } }
}
"""

SAID_ON_PULL_REQUESTS = f"""
{_HEAD}, $after: String) {{
  repository(owner: $owner, name: $name) {{
    talks: pullRequests(first: 100, after: $after, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      {_PAGE}
      nodes {{
        id number updatedAt
        comments(last: 30) {{ {_BACK} nodes {{ {_SAID} }} }}
        reviews(last: 30) {{ {_BACK} nodes {{ {_SAID} submittedAt }} }}
      }}
    }}
  }}
}}
"""

SAID_ON_ISSUES = f"""
{_HEAD}, $after: String) {{
  repository(owner: $owner, name: $name) {{
    talks: issues(first: 100, after: $after, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      {_PAGE}
      nodes {{ id number updatedAt comments(last: 30) {{ {_BACK} nodes {{ {_SAID} }} }} }}
    }}
  }}
}}
"""

EARLIER_COMMENTS = f"""
query($id: ID!, $before: String) {{
  node(id: $id) {{
    ... on PullRequest {{ found: comments(last: 100, before: $before) {{ {_BACK} nodes {{ {_SAID} }} }} }}
    ... on Issue {{ found: comments(last: 100, before: $before) {{ {_BACK} nodes {{ {_SAID} }} }} }}
  }}
}}
"""

EARLIER_REVIEWS = f"""
query($id: ID!, $before: String) {{
  node(id: $id) {{
    ... on PullRequest {{ found: reviews(last: 100, before: $before) {{ {_BACK} nodes {{ {_SAID} submittedAt }} }} }}
  }}
}}
"""

LABELLINGS = f"""
{_HEAD}, $number: Int!, $before: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      timelineItems(itemTypes: [LABELED_EVENT, UNLABELED_EVENT], last: 100, before: $before) {{
        {_BACK}
        nodes {{
          __typename
          ... on LabeledEvent {{ createdAt actor {{ __typename login }} label {{ name updatedAt }} }}
          ... on UnlabeledEvent {{ label {{ name }} }}
        }}
      }}
    }}
  }}
}}
"""

VIEWER = "query { viewer { login } }"

DEPLOYMENTS = f"""
{_HEAD}, $after: String) {{
  repository(owner: $owner, name: $name) {{
    environments(first: 100, after: $after) {{
      {_PAGE} nodes {{ name latestCompletedDeployment {{ commitOid description }} }}
    }}
  }}
}}
"""

REACT = """
mutation($subject: ID!, $content: ReactionContent!) {
  addReaction(input: {subjectId: $subject, content: $content}) { reaction { content } }
}
"""
