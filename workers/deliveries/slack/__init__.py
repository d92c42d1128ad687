"""Sends messages to Slack, by a webhook or a bot; `send.send` is the channel."""
