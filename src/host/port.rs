//! The traits behind which the drivers stand. The engine knows drivers only by these.

pub mod agents;
pub mod apart;
pub mod attachments;
pub mod cases;
pub mod endpoints;
pub mod git;
pub mod grounds;
pub mod jobs;
pub mod store;

pub use agents::{
    AgentDefinition, Agents, Conversation, ConversationInput, ConversationSetup, Lifetime, Listing, RepositoryFile,
    Update, Variant,
};
pub use attachments::{Attachments, Content};
pub use cases::{CaseFailure, CaseGround, Cases, FoundCase, FoundCases, JudgedCase, Needed, PreparedCase, Unfound};
pub use endpoints::{EditorDoor, Endpoint, EndpointSpec, Endpoints};
pub use git::{Apart, Checkpoint, CreatedWorktree, Git, Part, RepositoryFacts, ResolvedBase, Rewound, Unlanded};
pub use grounds::{Again, Ground, Grounds, Seal};
pub use jobs::{
    Attached, Bounds, JobControl, JobHandle, JobSpec, Jobs, JournalReader, Judged, Record, RecordKind, Stopped,
};
pub use store::{Batch, DamagedEvent, DamagedRow, LiveRows, Row, Store, Table};
