"""The line that opens a shell or a desktop in a machine. Pure."""

from bot.dbc.models import TaskDetail

NO_AGENT = "N/A"  # docs/dbc-api.md §3.2.2: the guest did not take the generated password


def login_of(detail: TaskDetail) -> str:
    """The line to copy, as a terminal takes it; empty where nothing is known."""
    if detail.ssh_ip and detail.rdp_port:
        return f"mstsc /v:{detail.ssh_ip}:{detail.rdp_port}"
    if detail.ssh_ip and detail.ssh_port:
        user = "<user>" if detail.user_name in {"", NO_AGENT} else detail.user_name
        return f"ssh -p {detail.ssh_port} {user}@{detail.ssh_ip}"
    return ""
