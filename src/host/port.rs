//! The traits behind which the drivers stand. The engine knows drivers only by these.

pub mod agents;
pub mod attachments;
pub mod endpoints;
pub mod git;
pub mod jobs;
pub mod store;

pub use agents::{
    AgentDefinition, Agents, Conversation, ConversationInput, ConversationSetup, Lifetime, Listing, RepositoryFile,
    Update, Variant,
};
pub use attachments::{Attachments, Content};
pub use endpoints::{EditorDoor, Endpoint, EndpointSpec, Endpoints};
pub use git::{Checkpoint, CreatedWorktree, Git, Part, RepositoryFacts, ResolvedBase, Rewound, Unlanded};
pub use jobs::{Attached, JobControl, JobHandle, JobSpec, Jobs, JournalReader, Record, RecordKind};
pub use store::{Batch, DamagedEvent, DamagedRow, LiveRows, Row, Store, Table};
