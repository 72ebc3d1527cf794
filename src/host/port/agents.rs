//! Port of agents: the catalog, and one conversation with one process.
//!
//! A conversation is a synchronous state machine. Its state is a function of the job's journal alone: the unit feeds it every record,
//! including what was written to the agent ([`ConversationInput::Written`]). So a new daemon rebuilds it by reading the journal from
//! its beginning, throws the updates of the committed part away, sends again only what the journal does not show as written (each
//! write has a key that is a function of the state), and goes on in the middle of a turn.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::base::screen::Image;
use crate::host::port::Content;
use crate::model::Refusal;
use crate::model::agent::{AgentCommand, AgentReady, AgentView, ConfigOption, PlanEntry, Protocol, ToolCall};
use crate::model::approval::{ApprovalKind, ApprovalOption};
use crate::model::editor::EditorProtocol;
use crate::model::failure::Failure;
use crate::model::id::{PromptId, TurnId};
use crate::model::job::JobEnd;
use crate::model::login::KnownProblem;
use crate::model::mcp::McpServer;
use crate::model::profile::CredentialSource;
use crate::model::query::Finding;
use crate::model::secret::Secret;
use crate::model::tells::Tells;
use crate::model::terminal::TerminalSize;
use crate::model::turn::TurnOutcome;
use crate::model::usage::Usage;

/// How long an agent's process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// One process per turn.
    Turn,
    /// One process for the whole session, many turns.
    Session,
}

/// An agent's definition from the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentDefinition {
    /// The catalog's name of it.
    pub name: String,
    /// One line.
    pub description: String,
    /// How divisi talks to it.
    pub protocol: Protocol,
    /// Program and arguments, after placeholders were filled in.
    pub command: Vec<String>,
    /// Variables it gets.
    pub environment: BTreeMap<String, String>,
    /// Names of variables passed through from the daemon's environment.
    pub pass_environment: Vec<String>,
    /// The variable that names the server it talks to.
    pub base_url_variable: Option<String>,
    /// The variable that names its mode.
    pub mode_variable: Option<String>,
    /// How its own interface speaks with an editor.
    pub editor: Option<EditorProtocol>,
    /// What it tells of what it uses.
    pub tells: Tells,
    /// What to do when it is missing.
    pub install_hint: Option<String>,
    /// `built-in` or the file's path.
    pub source: String,
    /// The repository's definition it was made from, as [`Agents::in_repository`] gave it; absent: the catalog's.
    pub definition: Option<String>,
}

/// What a session's own agent differs in from the catalog's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variant<'a> {
    /// A definition of the repository's, as [`Agents::in_repository`] gave it.
    pub definition: Option<&'a str>,
    /// Another program in the place of its own, an absolute path.
    pub program: Option<&'a str>,
}

/// A repository's `.divisi.toml`, for its agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepositoryFile<'a> {
    /// Its path.
    pub path: &'a str,
    /// Its content.
    pub text: &'a str,
    /// Whether a person trusts that content.
    pub trusted: bool,
}

/// What agents are listed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Listing<'a> {
    /// The file of the repository in which somebody looks at the list.
    pub repository: Option<RepositoryFile<'a>>,
    /// Ask the installed programs for their versions. Blocks for two seconds at most.
    pub probe: bool,
    /// Names of the variables that are set where somebody looks at the list; absent: those of the daemon count.
    pub set: Option<&'a BTreeSet<String>>,
}

/// What a conversation starts with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationSetup {
    /// The worktree, absolute.
    pub directory: String,
    /// The agent's own id of an earlier conversation to go on with.
    pub resume: Option<AgentReady>,
    /// The mode to set.
    pub mode: Option<String>,
    /// The model to set.
    pub model: Option<String>,
    /// Other options to set once it is ready.
    pub options: BTreeMap<String, String>,
    /// MCP servers to give it, by name. In the place of every secret stands the name of the variable that holds it in the process's
    /// environment (`${DIVISI_MCP_0}`).
    pub mcp: BTreeMap<String, McpServer>,
    /// Whether it may start the MCP servers that its own configuration and the repository's name besides.
    pub foreign_mcp: bool,
    /// The turn whose prompt the process was started with.
    pub prompted: Option<TurnId>,
}

/// What happens to a conversation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ConversationInput<'a> {
    /// The process runs.
    Started,
    /// It printed something.
    Output {
        /// On standard error?
        stderr: bool,
        /// The bytes, split anywhere.
        bytes: &'a [u8],
    },
    /// The journal shows that this was written to it.
    Written {
        /// The key.
        key: &'a str,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// It ended.
    Ended(&'a JobEnd),
    /// Deliver a prompt. Asked again after a restart until the journal shows it as written.
    Prompt {
        /// The turn.
        turn: &'a TurnId,
        /// The text.
        text: &'a str,
        /// What goes with it.
        content: &'a [Content],
        /// The waiting prompt it came from. One that was written as [`ConversationInput::Steer`] after its turn was over is there
        /// already.
        prompt: Option<&'a PromptId>,
    },
    /// Put a prompt into the running turn. Ends in [`Update::Steered`] or [`Update::SteerMissed`]; asked again after a restart until
    /// one of them was told.
    Steer {
        /// The waiting prompt.
        prompt: &'a PromptId,
        /// The turn.
        turn: &'a TurnId,
        /// The text.
        text: &'a str,
        /// What goes with it.
        content: &'a [Content],
    },
    /// Answer a permission request or question.
    Answer {
        /// The request's key.
        key: &'a str,
        /// The option's id; absent: cancelled.
        option: Option<&'a str>,
        /// What to tell the agent with a rejection, where the protocol can.
        message: Option<&'a str>,
    },
    /// Cancel the running turn by the protocol's own means.
    Cancel,
    /// Its terminal has this size from here on.
    Resized(TerminalSize),
    /// It printed nothing for as long as [`Conversation::quiet_after`] said. Not in the journal, so what follows from it
    /// may only be a write, or that it is ready.
    Quiet,
    /// Set an option.
    Option {
        /// Its id.
        id: &'a str,
        /// The choice's id.
        value: &'a str,
    },
}

/// What a conversation yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// Write this to the agent, under a key that is a function of the conversation's state.
    Write {
        /// The key.
        key: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Close its standard input.
    CloseStdin,
    /// End what the agent has started since the write under this key: it leaves the commands of a cancelled turn running. Before
    /// [`Update::TurnEnded`], so that nobody changes the worktree of a turn that is over.
    EndSince {
        /// The key.
        key: String,
    },
    /// It is ready for prompts.
    Ready(AgentReady),
    /// It could not be made ready; the process is of no use.
    Unusable {
        /// Why, one sentence.
        reason: String,
        /// What to do next.
        hints: Vec<String>,
    },
    /// It said something.
    Message(String),
    /// It thought something.
    Thought(String),
    /// Output of a command, or standard error.
    Output {
        /// Standard error?
        stderr: bool,
        /// The text.
        text: String,
    },
    /// Output was left out; the total so far.
    Elided(u64),
    /// A tool call, merged to its newest state.
    Tool(ToolCall),
    /// Its plan.
    Plan(Vec<PlanEntry>),
    /// The options it offers.
    Options(Vec<ConfigOption>),
    /// It answered a request to set an option.
    OptionAnswered {
        /// The option's id.
        id: String,
        /// The choice's id.
        value: String,
        /// Why it was not set.
        refused: Option<String>,
    },
    /// It took a prompt into its running turn.
    Steered {
        /// Which.
        prompt: PromptId,
    },
    /// It did not: the turn was over.
    SteerMissed {
        /// Which.
        prompt: PromptId,
        /// Why.
        reason: String,
    },
    /// The slash commands it offers.
    Commands(Vec<AgentCommand>),
    /// It asks.
    Approval {
        /// The request's key, unique in the process.
        key: String,
        /// Permission or question.
        kind: ApprovalKind,
        /// What it is about.
        tool: ToolCall,
        /// The command line, when it is one.
        command_line: Option<String>,
        /// What can be answered.
        options: Vec<ApprovalOption>,
    },
    /// It took the question back.
    ApprovalWithdrawn {
        /// The request's key.
        key: String,
        /// Why.
        reason: String,
    },
    /// Usage.
    Usage(Usage),
    /// Something worth knowing.
    Notice(String),
    /// A message this divisi does not know.
    Raw(Value),
    /// Why the turn is about to fail ([`Update::TurnEnded`] or [`Update::Unusable`] follows), told apart.
    Failure {
        /// Why.
        failure: Failure,
        /// After how many milliseconds it may be tried again, where only that is known.
        retry_after_ms: Option<u64>,
    },
    /// Nobody sent a prompt, and it works all the same: a person typed one in its terminal.
    Began {
        /// What to call it.
        text: String,
    },
    /// What had begun like that is over.
    Rested {
        /// How.
        outcome: TurnOutcome,
    },
    /// The turn is over.
    TurnEnded {
        /// Which.
        turn: TurnId,
        /// How.
        outcome: TurnOutcome,
    },
}

/// A conversation with one process.
pub trait Conversation: Send {
    /// Takes an input and appends what follows from it, in order.
    fn feed(&mut self, input: ConversationInput<'_>, updates: &mut Vec<Update>);

    /// True when a cancelled turn is ended by the protocol ([`ConversationInput::Cancel`]); false when signals are all there is.
    fn can_cancel(&self) -> bool;

    /// After how much silence it wants to be told [`ConversationInput::Quiet`]; absent: never.
    fn quiet_after(&self) -> Option<Duration> {
        None
    }

    /// What is to be seen on the program's terminal; absent when it has none.
    fn image(&self) -> Option<Image> {
        None
    }
}

/// The catalog.
pub trait Agents: Send + Sync {
    /// Every agent, by name.
    fn list(&self, listing: &Listing<'_>) -> Vec<AgentView>;

    /// One agent, startable.
    ///
    /// # Errors
    /// When it is unknown (names like it are hinted) or not installed (with what to do).
    fn find(&self, name: &str) -> Result<AgentDefinition, Refusal> {
        self.find_as(name, Variant::default())
    }

    /// [`Self::find`], as a session has it.
    ///
    /// # Errors
    /// As [`Self::find`].
    fn find_as(&self, name: &str, variant: Variant<'_>) -> Result<AgentDefinition, Refusal>;

    /// The definitions in the text of a repository's `.divisi.toml`, by name, in a form for [`Variant::definition`]. Nothing is run.
    ///
    /// # Errors
    /// When one of them is wrong; the message has its line.
    fn in_repository(&self, text: &str) -> Result<BTreeMap<String, String>, Refusal>;

    /// What is known to be wrong with the version of an agent's program that is installed. May ask it, and block for two seconds.
    fn problems(&self, agent: &AgentDefinition) -> Vec<KnownProblem>;

    /// What is wrong with definitions, and with the versions of what is installed. May block for two seconds.
    fn findings(&self) -> Vec<Finding>;

    /// Looks a credential up. `environment` is that of whoever started the session over the daemon's. Blocks, for a minute at most: a
    /// keyring or a password store may ask a person.
    ///
    /// # Errors
    /// When it is not there; no error holds what was found.
    fn credential(&self, source: &CredentialSource, environment: &BTreeMap<String, String>) -> Result<Secret, Refusal>;

    /// How long its processes live.
    fn lifetime(&self, agent: &AgentDefinition) -> Lifetime;

    /// The command for a process: for [`Lifetime::Turn`] with the turn's prompt.
    fn command(&self, agent: &AgentDefinition, setup: &ConversationSetup, prompt: Option<&str>) -> Vec<String>;

    /// The agent with its own interface on a terminal, for a session whose conversation has this id; absent when it has none that can
    /// go on with a conversation. An agent that is spoken to on a terminal anyway is itself.
    fn on_terminal(&self, _agent: &AgentDefinition) -> Option<AgentDefinition> {
        None
    }

    /// Whether its processes are started with the first prompt.
    fn takes_prompt(&self, _agent: &AgentDefinition) -> bool {
        false
    }

    /// Whether its processes get a pipe as standard input.
    fn wants_stdin(&self, agent: &AgentDefinition) -> bool;

    /// A conversation with a process that is about to start, or that a new daemon attaches to. For [`Lifetime::Turn`] `turn` is the
    /// turn it serves.
    fn converse(
        &self,
        agent: &AgentDefinition,
        setup: &ConversationSetup,
        turn: Option<&TurnId>,
    ) -> Box<dyn Conversation>;
}
