//! Queries: what the registry can answer at once, and what has to be looked up for the rest.

use serde_json::Value;

use crate::host::effect::GateSource;
use crate::host::mend::LeftOut;
use crate::host::on_combine::MOST;
use crate::host::on_landing::{default_message, gate_source, other_worktrees};
use crate::host::on_repository::worktrees_by_repository;
use crate::host::plan_names::Configured;
use crate::host::registry::Registry;
use crate::host::run_batch::Snapshot;
use crate::host::run_timeline::repeated;
use crate::model::Refusal;
use crate::model::batch::CheckPlan;
use crate::model::bench::CheckCases;
use crate::model::diff::{DiffRange, HunkDecision};
use crate::model::id::{HunkId, SessionId};
use crate::model::landing::Strategy;
use crate::model::plan::ExportFormat;
use crate::model::query::{DiffSession, Finding, Query};
use crate::model::review::{Comment, Review};
use crate::model::session::{Session, SessionView};
use crate::model::timeline::CompareSessions;
use crate::model::usage::Usage;
use crate::model::worktree::{Worktree, WorktreeState};
use std::collections::{BTreeMap, BTreeSet};

/// What a diff is looked up with.
pub(crate) struct DiffLookup {
    pub(crate) worktree: Worktree,
    pub(crate) request: DiffSession,
    pub(crate) session: Session,
    pub(crate) decisions: BTreeMap<HunkId, HunkDecision>,
    pub(crate) review: Review,
    pub(crate) patch: bool,
}

/// A query with everything from the registry that its answer needs; the rest is looked up off the dispatcher.
pub(crate) enum Lookup {
    /// Answered.
    Answer(Result<Value, Refusal>),
    /// Sessions, perhaps only of the repository around a path, perhaps removed ones too.
    Sessions {
        views: Vec<SessionView>,
        repository: Option<String>,
        removed: Vec<SessionId>,
    },
    /// One session, by id, prefix or name.
    Session {
        wanted: String,
        views: Vec<SessionView>,
        repository: Option<String>,
        removed: Vec<SessionId>,
        left_out: Vec<LeftOut>,
    },
    /// What a session used, and its turns; the total is in the store when the session is not live.
    Usage {
        session: SessionId,
        total: Option<Usage>,
    },
    /// A diff or patch.
    Diff(Box<DiffLookup>),
    /// A timeline.
    Timeline(Box<Session>),
    /// Sessions side by side.
    Compare(Vec<(SessionView, Session)>),
    /// A preflight.
    Preflight {
        session: Box<Session>,
        onto: Option<String>,
        others: Vec<(String, Worktree)>,
        strategy: Strategy,
        gates: Box<GateSource>,
    },
    /// A file of the base.
    BaseFile {
        worktree: Worktree,
        path: String,
        round: u32,
    },
    /// A review.
    Review {
        session: Box<Session>,
        range: DiffRange,
        message: String,
    },
    /// Comments.
    Comments {
        worktree: Worktree,
        comments: Vec<Comment>,
    },
    /// Events.
    Events(crate::model::query::ListEvents),
    /// The catalog, perhaps with a repository's part.
    Agents {
        repository: Option<String>,
        probe: bool,
        set: Option<BTreeSet<String>>,
        trust: BTreeMap<String, String>,
        /// Default profiles by agent, with the credentials they give; the dispatcher completes them.
        profiles: BTreeMap<String, (String, Vec<String>)>,
    },
    /// Names of variables, which the dispatcher knows how to look up.
    Variables(crate::model::query::ListVariables),
    /// A repository's configuration.
    RepositoryConfig {
        repository: String,
        trust: BTreeMap<String, String>,
    },
    /// What is wrong: in repositories, and what was found when the daemon started.
    Doctor {
        repositories: BTreeMap<String, Vec<Worktree>>,
        mends: Vec<Finding>,
    },
    /// All batches.
    Batches(Vec<Snapshot>),
    /// One of them.
    Batch {
        live: Vec<Snapshot>,
        wanted: String,
    },
    /// A report of one.
    Export {
        live: Vec<Snapshot>,
        wanted: String,
        format: ExportFormat,
    },
    /// What is wrong with a plan; the dispatcher knows what is configured.
    Plan(CheckPlan, Configured),
    Cases(CheckCases),
    /// The daemon's status, which the dispatcher completes.
    Status,
}

/// Prepares a query's answer.
pub(crate) fn prepare(registry: &Registry, query: Query) -> Lookup {
    match try_prepare(registry, query) {
        Ok(lookup) => lookup,
        Err(refusal) => Lookup::Answer(Err(refusal)),
    }
}

fn try_prepare(registry: &Registry, query: Query) -> Result<Lookup, Refusal> {
    Ok(match query {
        Query::ListSessions(list) => {
            let removed = if list.removed { removed_ids(registry) } else { Vec::new() };
            Lookup::Sessions { views: views(registry), repository: list.repository, removed }
        }
        Query::ShowSession(show) => Lookup::Session {
            wanted: show.session,
            views: views(registry),
            repository: show.repository,
            removed: removed_ids(registry),
            left_out: registry.mends.left_out.values().cloned().collect(),
        },
        Query::ShowUsage(request) => {
            Lookup::Usage { session: request.session.clone(), total: total(registry, &request.session) }
        }
        Query::DiffSession(request) => diff(registry, request, false)?,
        Query::PatchSession(request) => diff(registry, request, true)?,
        Query::PreflightSession(request) => {
            let session = registry.require(&request.session)?;
            Lookup::Preflight {
                onto: request.onto,
                others: other_worktrees(registry, session),
                strategy: Strategy::default(),
                // The dispatcher completes it with what is configured.
                gates: Box::new(gate_source(registry, None, session)),
                session: Box::new(session.clone()),
            }
        }
        Query::Timeline(request) => Lookup::Timeline(Box::new(registry.require(&request.session)?.clone())),
        Query::CompareSessions(request) => compare(registry, &request)?,
        Query::BaseFile(request) => {
            let worktree = registry.require(&request.session)?.worktree.clone();
            Lookup::BaseFile { worktree, path: request.path, round: request.round }
        }
        Query::ShowReview(request) => {
            let session = registry.require(&request.session)?;
            let message = default_message(session);
            Lookup::Review { session: Box::new(session.clone()), range: request.range, message }
        }
        Query::ListComments(request) => {
            let session = registry.require(&request.session)?;
            Lookup::Comments { worktree: session.worktree.clone(), comments: session.review.comments.clone() }
        }
        Query::ListEvaluations(request) => {
            Lookup::Answer(encode(&registry.require(&request.session)?.evaluations.kept))
        }
        Query::CheckSuite(request) => {
            Lookup::Answer(encode(&crate::eval::suite::parse(&request.text).err().unwrap_or_default()))
        }
        Query::ListEvents(list) => Lookup::Events(list),
        Query::ListApprovals(list) => {
            let mut open: Vec<_> = registry
                .approvals
                .values()
                .filter(|approval| list.session.as_ref().is_none_or(|session| &approval.session == session))
                .collect();
            open.sort_by_key(|approval| approval.asked_at);
            Lookup::Answer(encode(&open))
        }
        Query::ListAgents(request) => Lookup::Agents {
            repository: request.repository,
            probe: request.probe,
            set: request.set,
            trust: registry.trust.clone(),
            profiles: BTreeMap::new(),
        },
        Query::ListVariables(request) => Lookup::Variables(request),
        Query::ShowRepositoryConfig(request) => {
            Lookup::RepositoryConfig { repository: request.repository, trust: registry.trust.clone() }
        }
        Query::ScanDoctor(request) => {
            let repositories = worktrees_by_repository(registry, request.repository.as_deref());
            Lookup::Doctor { repositories, mends: registry.mends.findings() }
        }
        Query::ListBatches {} => Lookup::Batches(Vec::new()),
        Query::GetBatch(request) => Lookup::Batch { live: Vec::new(), wanted: request.batch },
        Query::ExportBatch(request) => {
            Lookup::Export { live: Vec::new(), wanted: request.batch, format: request.format }
        }
        Query::CheckPlan(request) => Lookup::Plan(request, Configured::default()),
        Query::CheckCases(request) => Lookup::Cases(request),
        Query::DaemonStatus {} => Lookup::Status,
    })
}

fn total(registry: &Registry, session: &SessionId) -> Option<Usage> {
    registry.sessions.get(session).map(|session| session.usage.clone())
}

fn diff(registry: &Registry, request: DiffSession, patch: bool) -> Result<Lookup, Refusal> {
    let session = registry.require(&request.session)?;
    Ok(Lookup::Diff(Box::new(DiffLookup {
        worktree: session.worktree.clone(),
        session: session.clone(),
        decisions: session.decisions.clone(),
        review: session.review.clone(),
        request,
        patch,
    })))
}

fn compare(registry: &Registry, request: &CompareSessions) -> Result<Lookup, Refusal> {
    if request.sessions.len() < 2 || request.sessions.len() > MOST {
        return Err(Refusal::user(format!("between 2 and {MOST} sessions can be compared")));
    }
    if let Some(id) = repeated(&request.sessions) {
        return Err(Refusal::user(format!("'{}' is named twice", registry.require(id)?.name)));
    }
    let mut compared = Vec::new();
    for id in &request.sessions {
        let session = registry.require(id)?;
        if session.worktree.state != WorktreeState::Ready {
            return Err(Refusal::conflict(format!("cannot compare '{}': its worktree is not there", session.name)));
        }
        let view = registry.view(id).ok_or_else(|| Refusal::internal("a session without a view"))?;
        compared.push((view, session.clone()));
    }
    Ok(Lookup::Compare(compared))
}

fn views(registry: &Registry) -> Vec<SessionView> {
    registry.sessions.keys().filter_map(|id| registry.view(id)).collect()
}

/// Ids of sessions that are only in the store any more.
fn removed_ids(registry: &Registry) -> Vec<SessionId> {
    let used = |id: &SessionId| registry.sessions.contains_key(id) || registry.mends.left_out.contains_key(id);
    registry.named.values().filter(|id| !used(id)).cloned().collect()
}

/// A value as JSON.
///
/// # Errors
/// Never for the model's types.
pub(crate) fn encode(value: &impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| Refusal::internal(format!("failed to encode an answer: {error}")))
}
