//! Settings the engine and its drivers run with: the parsed `config.toml`, every value with its default.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::approval::ApprovalPolicy;
use super::container::{Containers, TestNetwork};
use super::job::OnDaemonDeath;
use super::landing::Strategy;
use super::mcp::McpServer;
use super::price::PriceTable;
use super::profile::Profile;

/// What the user's configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `agents.default`: the agent of `divisi new` without `--agent`.
    pub default_agent: String,
    /// `agents.on_daemon_death`.
    pub on_daemon_death: OnDaemonDeath,
    /// `agents.lease_sec`: how long a shim keeps an agent without any daemon.
    pub lease: Duration,
    /// `agents.grace_sec`: between the rungs of the stop ladder.
    pub grace: Duration,
    /// `agents.environment`: names of variables passed to agents on top of the built-in list.
    pub agent_environment: Vec<String>,
    /// `agents.profiles`: the profile of an agent's sessions when none is named, by the agent's name.
    pub default_profiles: BTreeMap<String, String>,
    /// The section `profiles`, by name.
    pub profiles: BTreeMap<String, Profile>,
    /// `agents.silence_sec`: how long a working agent may say nothing before a person is asked; zero: for ever.
    pub silence: Duration,
    /// `agents.silence_of`: the same for single agents, by name.
    pub silence_of: BTreeMap<String, Duration>,
    /// What models cost, for estimates.
    pub prices: PriceTable,
    /// `security.policy`: what a new session does with permission requests.
    pub policy: ApprovalPolicy,
    /// `git.worktrees_root`: a directory for worktrees; absent: `.worktrees` in the repository.
    pub worktrees_root: Option<PathBuf>,
    /// `git.commit_prefix`: before the subject of every checkpoint.
    pub commit_prefix: String,
    /// `git.landing`: the default strategy.
    pub landing: Strategy,
    /// `git.run_hooks`: run the user's own hooks and signing at landing.
    pub run_hooks: bool,
    /// `git.lfs`: let git-lfs replace pointers by files at checkout.
    pub lfs: bool,
    /// `git.preserve_ignored_limit_kb`: ignored files up to this size in total are captured at removal too.
    pub preserve_ignored_limit: u64,
    /// `[mcp.NAME]`: servers every session's agent is given.
    pub mcp: BTreeMap<String, McpServer>,
    /// `security.foreign_mcp`: agents may start MCP servers that their own configuration and the repository's name.
    pub foreign_mcp: bool,
    /// `evaluation.gates`: a suite file of the user's that every landing needs, absolute.
    pub gates: Option<PathBuf>,
    /// `bench.containers`: whether `divisi bench` judges in containers.
    pub containers: Containers,
    /// `bench.network`: whether tests of benchmarks may use the network.
    pub test_network: TestNetwork,
    /// `core.idle_exit_sec`: the daemon exits after this long without sessions and clients.
    pub idle_exit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_agent: "shell".to_owned(),
            on_daemon_death: OnDaemonDeath::Keep,
            lease: Duration::from_secs(24 * 60 * 60),
            grace: Duration::from_secs(3),
            agent_environment: Vec::new(),
            default_profiles: BTreeMap::new(),
            profiles: BTreeMap::new(),
            silence: Duration::from_secs(15 * 60),
            silence_of: BTreeMap::new(),
            prices: PriceTable::default(),
            policy: ApprovalPolicy::Ask,
            worktrees_root: None,
            commit_prefix: "divisi: ".to_owned(),
            landing: Strategy::Squash,
            run_hooks: false,
            lfs: false,
            preserve_ignored_limit: 10 * 1024 * 1024,
            mcp: BTreeMap::new(),
            foreign_mcp: false,
            gates: None,
            containers: Containers::Auto,
            test_network: TestNetwork::Auto,
            idle_exit: Duration::from_secs(30 * 60),
        }
    }
}
