"""The sandbox workspace is as strict as Slack, shown with the real clients."""
