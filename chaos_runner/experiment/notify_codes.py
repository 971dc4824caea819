"""What `explain` says about the codes of notifications."""

from typing import Final

from chaos_runner.experiment.code import Code

NOTIFY_CODES: Final = (
    Code("E410", "a channel that says nothing about whom to tell, or two things",
         "Each member of `notify` has exactly one of `webhook` and `slack`.",
         "notify:\n  - events: [missed]", "notify:\n  - slack: {type: env, key: SLACK_URL}\n    events: [missed]"),
    Code("E411", "a secret that stands in a file",
         "Whoever reads the file could write in your name. The file says where it is kept: in an environment variable\n"
         "(`type: env`), or in a file (`type: file`), as a mounted secret or a credential of systemd is. The address\n"
         "of a Slack webhook is a secret, as it is all that it takes.",
         "slack: https://hooks.slack.com/services/…", "slack: {type: env, key: SLACK_URL}"),
    Code("E412", "two channels that cannot be told apart",
         "What is still to be told is kept under a channel's name and address: two of a list that have both in common\n"
         "would answer for one another. Say of one what both are to tell.",
         "notify:\n  - {webhook: https://example.org/a, events: [missed]}\n"
         "  - {webhook: https://example.org/a, events: [ended]}",
         "notify:\n  - {webhook: https://example.org/a, events: [missed, ended]}"),
)
