//! The commands by name: their arguments, and what each comes to.
//!
//! Every verb of the command line that means something inside of an editor is here under its own name; a test compares the two.

use crate::model::batch::{BatchState, BatchView};
use crate::model::session::SessionView;

/// A command.
#[derive(Debug)]
pub struct Verb {
    /// Its name.
    pub name: &'static str,
    /// Names of its arguments, in order; one with `?` may be left out.
    pub arguments: &'static [&'static str],
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// The wire's method of the same parameters, with more parameters that are always so (JSON), and what is said afterwards.
    Call {
        method: &'static str,
        fixed: &'static str,
        said: &'static str,
        fits: fn(&SessionView) -> bool,
    },
    /// What a query of the wire answers, as a view; with more parameters that are always so (JSON).
    Report {
        method: &'static str,
        fixed: &'static str,
    },
    Start,
    Combine,
    ShowSessions,
    ShowTranscript,
    ShowReview,
    WritePrompt,
    WriteComment,
    SendPrompt,
    Open,
    OpenConfig,
    Wait,
    Trust,
    Schema,
    /// Something with a batch, a plan or a suite that takes more than one call.
    Errand(Errands),
    ShowBatch,
    /// A batch's method, with what is said afterwards.
    OfBatch {
        method: &'static str,
        said: &'static str,
        fits: fn(&BatchView) -> bool,
    },
}

/// What is done with plans, batches and suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errands {
    /// Start a plan.
    RunPlan,
    /// Say what is wrong with a plan.
    CheckPlan,
    /// Say what is wrong with a suite.
    CheckSuite,
    /// Write a report of a batch.
    Export,
    /// Judge a session.
    Evaluate,
    /// Show no more diagnostics of a batch.
    Dismiss,
}

pub(super) fn any(_: &SessionView) -> bool {
    true
}

fn runs(view: &SessionView) -> bool {
    !view.state.at_rest()
}

fn rests(view: &SessionView) -> bool {
    view.state.at_rest()
}

fn goes_on(view: &BatchView) -> bool {
    view.state == BatchState::Active
}

fn pauses(view: &BatchView) -> bool {
    view.state == BatchState::Paused
}

fn not_ended(view: &BatchView) -> bool {
    matches!(view.state, BatchState::Active | BatchState::Paused)
}

fn not_passed(view: &BatchView) -> bool {
    view.counts.failed + view.counts.cancelled + view.counts.skipped > 0
}

fn lands(view: &SessionView) -> bool {
    view.state.awaits_review() && view.stat.files > 0
}

const fn verb(name: &'static str, arguments: &'static [&'static str], kind: Kind) -> Verb {
    Verb { name, arguments, kind }
}

const fn call(method: &'static str, fixed: &'static str, said: &'static str, fits: fn(&SessionView) -> bool) -> Kind {
    Kind::Call { method, fixed, said, fits }
}

const fn batch(method: &'static str, said: &'static str, fits: fn(&BatchView) -> bool) -> Kind {
    Kind::OfBatch { method, said, fits }
}

const fn report(method: &'static str) -> Kind {
    Kind::Report { method, fixed: "{}" }
}

const ACCEPT: Kind = call("hunk/decide", r#"{"action":"accept"}"#, "", rests);
const REJECT: Kind = call("hunk/decide", r#"{"action":"reject"}"#, "", rests);
const UNDO: Kind = call("hunk/decide", r#"{"action":"undo"}"#, "", rests);
const REJECT_APPROVAL: Kind = call("approval/answer", r#"{"answer":"reject"}"#, "", any);

/// All commands.
pub const VERBS: &[Verb] = &[
    verb("divisi.sessions", &[], Kind::ShowSessions),
    verb("divisi.list", &[], Kind::ShowSessions),
    verb("divisi.approvals", &[], Kind::ShowSessions),
    verb(
        "divisi.new",
        &["prompt?", "agent?", "name?", "base?", "repository?", "profile?", "model?", "mode?", "policy?"],
        Kind::Start,
    ),
    verb("divisi.prompt", &["session?", "about?", "repository?"], Kind::WritePrompt),
    verb("divisi.prompt.send", &["path"], Kind::SendPrompt),
    verb("divisi.show", &["session"], report("session/show")),
    verb("divisi.transcript", &["session"], Kind::ShowTranscript),
    verb("divisi.log", &["session"], Kind::ShowTranscript),
    verb("divisi.wait", &["session"], Kind::Wait),
    verb("divisi.send", &["session", "text"], call("session/send", "{}", "sent to {}", any)),
    verb("divisi.stop", &["session"], call("session/stop", "{}", "stopping {}", runs)),
    verb("divisi.read", &["session"], call("session/read", "{}", "", any)),
    verb("divisi.remove", &["session", "discard?"], call("session/remove", "{}", "removed {}", any)),
    verb("divisi.restore", &["session"], call("session/restore", "{}", "restored {}", any)),
    verb("divisi.open", &["session", "path?"], Kind::Open),
    verb("divisi.review", &["session"], Kind::ShowReview),
    verb("divisi.review.send", &["session", "note?"], call("round/send", "{}", "the review went to {}", rests)),
    verb("divisi.diff", &["session", "number?"], Kind::Report { method: "session/patch", fixed: "{}" }),
    verb("divisi.timeline", &["session"], report("session/timeline")),
    verb(
        "divisi.rewind",
        &["session", "checkpoint"],
        call("session/rewind", "{}", "the files of {} are brought back", rests),
    ),
    verb("divisi.compare", &["sessions"], report("session/compare")),
    verb("divisi.combine", &["sessions", "name?", "prompt?", "agent?"], Kind::Combine),
    verb("divisi.accept", &["session", "hunk"], ACCEPT),
    verb("divisi.reject", &["session", "hunk"], REJECT),
    verb("divisi.undo", &["session", "hunk"], UNDO),
    verb("divisi.hunk.accept", &["session", "hunk"], ACCEPT),
    verb("divisi.hunk.reject", &["session", "hunk"], REJECT),
    verb("divisi.hunk.undo", &["session", "hunk"], UNDO),
    verb("divisi.comment", &["session", "path", "first?", "text?", "last?"], Kind::WriteComment),
    verb("divisi.comments", &["session"], report("comment/list")),
    verb(
        "divisi.answer",
        &["approval", "answer", "option?", "scope?", "message?"],
        call("approval/answer", "{}", "", any),
    ),
    verb("divisi.approve", &["approval", "option?"], call("approval/answer", r#"{"answer":"once"}"#, "", any)),
    verb("divisi.approve.always", &["approval", "scope?"], call("approval/answer", r#"{"answer":"always"}"#, "", any)),
    verb("divisi.approve.reject", &["approval", "message?"], REJECT_APPROVAL),
    verb("divisi.preflight", &["session", "onto?"], report("session/preflight")),
    verb(
        "divisi.land",
        &["session", "strategy?", "message?", "onto?"],
        call("landing/start", "{}", "landing {}", lands),
    ),
    verb("divisi.land.continue", &["session"], call("landing/continue", "{}", "landing {}", any)),
    verb("divisi.land.abort", &["session"], call("landing/abort", "{}", "the landing of {} is given up", any)),
    verb("divisi.queue", &["session"], report("session/show")),
    verb("divisi.queue.edit", &["session", "prompt", "text"], call("prompt/edit", "{}", "changed for {}", any)),
    verb("divisi.queue.cancel", &["session", "prompt"], call("prompt/cancel", "{}", "taken back from {}", any)),
    verb("divisi.option", &["session", "option", "value"], call("session/option", "{}", "asked the agent of {}", any)),
    verb("divisi.policy", &["session", "policy"], call("session/policy", "{}", "the policy of {} is changed", any)),
    verb("divisi.trust", &["repository?", "digest?"], Kind::Trust),
    verb("divisi.agents", &[], Kind::Report { method: "agent/list", fixed: r#"{"probe":true}"# }),
    verb("divisi.doctor", &["repository?"], report("doctor/scan")),
    verb("divisi.doctor.fix", &["repository?"], call("doctor/fix", "{}", "repairing", any)),
    verb("divisi.daemon", &[], report("daemon/status")),
    verb("divisi.config", &[], Kind::OpenConfig),
    verb("divisi.schema", &["name"], Kind::Schema),
    verb("divisi.batch", &[], report("batch/list")),
    verb("divisi.batch.list", &[], report("batch/list")),
    verb("divisi.batch.run", &["path", "environment?", "concurrency?", "only?"], Kind::Errand(Errands::RunPlan)),
    verb("divisi.batch.check", &["path", "environment?"], Kind::Errand(Errands::CheckPlan)),
    verb("divisi.batch.open", &["batch"], Kind::ShowBatch),
    verb("divisi.batch.status", &["batch"], Kind::ShowBatch),
    verb("divisi.batch.rank", &["batch"], Kind::ShowBatch),
    verb("divisi.batch.pause", &["batch"], batch("batch/pause", "{} pauses: what runs goes on", goes_on)),
    verb("divisi.batch.resume", &["batch"], batch("batch/resume", "{} goes on", pauses)),
    verb("divisi.batch.cancel", &["batch"], batch("batch/cancel", "cancelling {}", not_ended)),
    verb(
        "divisi.batch.retry",
        &["batch", "runs?"],
        batch("batch/retry", "running again what did not pass in {}", not_passed),
    ),
    verb(
        "divisi.batch.concurrency",
        &["batch", "concurrency"],
        batch("batch/concurrency", "{} has another number of runs at the same time", not_ended),
    ),
    verb("divisi.batch.export", &["batch", "format?"], Kind::Errand(Errands::Export)),
    verb("divisi.batch.dismiss", &["batch"], Kind::Errand(Errands::Dismiss)),
    verb("divisi.eval", &["session", "path?", "only?"], Kind::Errand(Errands::Evaluate)),
    verb("divisi.eval.run", &["session", "path?", "only?"], Kind::Errand(Errands::Evaluate)),
    verb("divisi.eval.list", &["session"], report("evaluation/list")),
    verb("divisi.eval.cancel", &["session"], call("evaluation/cancel", "{}", "the evaluation of {} is stopped", any)),
    verb("divisi.eval.check", &["path"], Kind::Errand(Errands::CheckSuite)),
];

/// Every command's name.
pub fn names() -> Vec<String> {
    VERBS.iter().map(|verb| verb.name.to_owned()).collect()
}
