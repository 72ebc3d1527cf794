//! Failures told apart: what an agent says of a failed model call, as one line with what to do next.

use crate::base::date;
use crate::base::text::visible_line;
use crate::host::port::Update;
use crate::model::failure::Failure;
pub(super) use crate::model::failure::FailureKind;
use crate::model::id::TurnId;
use crate::model::turn::TurnOutcome;

mod again;

use again::Again;

/// How much of the agent's own words is kept.
const WORDS: usize = 240;

/// A failure with what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Diagnosis {
    /// One line: the kind, the agent's words, and the next step.
    pub(super) reason: String,
    pub(super) failure: Failure,
    /// After how long it may be tried again, where only that is known, in milliseconds.
    pub(super) retry_after_ms: Option<u64>,
}

/// How a turn ends, with the failure when it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) outcome: TurnOutcome,
    pub(super) told: Option<Diagnosis>,
}

impl From<TurnOutcome> for Ending {
    fn from(outcome: TurnOutcome) -> Self {
        Self { outcome, told: None }
    }
}

impl From<Diagnosis> for Ending {
    fn from(told: Diagnosis) -> Self {
        Self { outcome: TurnOutcome::Failed { reason: told.reason.clone() }, told: Some(told) }
    }
}

impl Diagnosis {
    /// A failure in words of divisi's own.
    pub(super) fn of(kind: FailureKind, reason: impl Into<String>, next: &str) -> Self {
        let failure = Failure { kind, next: next.to_owned(), retry_at: None };
        Self { reason: reason.into(), failure, retry_after_ms: None }
    }

    /// The same as the end of a turn that can go on in another process.
    pub(super) fn interrupts(self) -> Ending {
        Ending { outcome: TurnOutcome::Interrupted { reason: self.reason.clone() }, told: Some(self) }
    }

    /// What the engine is told before the end.
    pub(super) fn update(&self) -> Update {
        Update::Failure { failure: self.failure.clone(), retry_after_ms: self.retry_after_ms }
    }
}

impl Ending {
    /// The end of a turn.
    pub(super) fn say(self, turn: TurnId, updates: &mut Vec<Update>) {
        updates.extend(self.told.as_ref().map(Diagnosis::update));
        updates.push(Update::TurnEnded { turn, outcome: self.outcome });
    }
}

/// Words that tell the kind, the first match wins. Lower case.
const SIGNS: [(FailureKind, &[&str]); 9] = [
    (
        FailureKind::ContextFull,
        &[
            "prompt is too long",
            "context window",
            "context length",
            "context_length",
            "maximum context",
            "too many tokens",
        ],
    ),
    (
        FailureKind::NotLoggedIn,
        &[
            "not logged in",
            "/login",
            "unauthorized",
            "authentication",
            "invalid api key",
            "invalid x-api-key",
            "api key not valid",
            "no auth",
            "no api key",
            "auth method",
            "401",
            "please set an auth",
            "sign in",
            "log in",
        ],
    ),
    (
        FailureKind::Quota,
        &[
            "usage limit",
            "quota",
            "credit balance",
            "insufficient_quota",
            "out of credits",
            "billing",
            "budget",
            "resource_exhausted",
        ],
    ),
    (FailureKind::RateLimit, &["rate limit", "rate_limit", "too many requests", "429"]),
    (FailureKind::Overloaded, &["overloaded", "high demand", "at capacity", "529", "503"]),
    (
        FailureKind::Unreachable,
        &[
            "econnrefused",
            "connection refused",
            "connection error",
            "enotfound",
            "dns",
            "network error",
            "unable to connect",
            "fetch failed",
            "timed out",
            "timeout",
            "terminated",
            "socket",
            "disconnected",
        ],
    ),
    (
        FailureKind::UnknownModel,
        &["model not found", "model_not_found", "no such model", "unknown model", "does not exist"],
    ),
    (FailureKind::Refused, &["refusal", "refused", "usage policy", "content policy", "declined"]),
    (FailureKind::Model, &["500", "502", "504", "server-side", "internal server", "api_error", "server error"]),
];

impl FailureKind {
    /// Tells the kind from an HTTP status, where there is one, and the agent's words.
    pub(super) fn of(status: Option<u64>, words: &str) -> Self {
        let lower = words.to_lowercase();
        let said =
            SIGNS.iter().find(|(_, signs)| signs.iter().any(|sign| is_said(&lower, sign))).map(|(kind, _)| *kind);
        match (status, said) {
            (Some(401), _) | (Some(403), None | Some(Self::NotLoggedIn)) => Self::NotLoggedIn,
            (Some(402), _) | (Some(403 | 429), Some(Self::Quota)) => Self::Quota,
            (Some(403), Some(kind)) => kind,
            (Some(429), _) => Self::RateLimit,
            (Some(404), _) => Self::UnknownModel,
            (Some(413), _) | (Some(400..=499), Some(Self::ContextFull)) => Self::ContextFull,
            (Some(400..=499), Some(kind @ (Self::Refused | Self::Quota | Self::UnknownModel | Self::NotLoggedIn))) => {
                kind
            }
            (Some(400..=499), _) => Self::BadRequest,
            (Some(503 | 529), _) => Self::Overloaded,
            (Some(500..), _) => Self::Model,
            (_, Some(kind)) => kind,
            (_, None) => Self::Other,
        }
    }

    /// Tells the kind from the name an agent or a provider has for it, in whatever case it is written.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        Some(match name.trim_end_matches("error").trim_end_matches("failed") {
            "unauthorized" | "authentication" | "providerauth" | "permission" | "oauthorgnotallowed" => {
                Self::NotLoggedIn
            }
            "billing" | "usagelimitexceeded" | "sessionbudgetexceeded" | "insufficientquota" => Self::Quota,
            "ratelimit" | "ratelimitexceeded" => Self::RateLimit,
            "overloaded" | "serveroverloaded" | "flexunavailable" | "policycapacityunavailable" => Self::Overloaded,
            "contextwindowexceeded" | "contextoverflow" | "contextlengthexceeded" => Self::ContextFull,
            "modelnotfound" | "providermodelnotfound" => Self::UnknownModel,
            "cyberpolicy" | "misalignmentpolicyviolation" | "inferencehookdenied" | "toomanydenials" => Self::Refused,
            "server" | "internalserver" => Self::Model,
            _ => return None,
        })
    }

    /// The kind, the agent's words, and the next step. `login` says how to log in with this agent; `retry` when it may be tried again,
    /// in milliseconds since the epoch, where the agent told that beside its words.
    pub(super) fn told(self, words: &str, login: &str, retry: Option<i64>) -> Diagnosis {
        let again = match retry {
            Some(at) => Some(Again::At(at)),
            None if self.passes() => Again::in_words(words),
            None => None,
        };
        let words = visible_line(words, WORDS);
        let next = match (self, again) {
            (Self::NotLoggedIn, _) => login.to_owned(),
            (_, Some(Again::At(at))) if self.passes() => format!("it can be tried again at {}", date::minute(at)),
            // The engine knows what time it is.
            (_, Some(Again::After(_))) if self.passes() => String::new(),
            (Self::Quota, _) => "check the plan or the key's credit, or choose another model".to_owned(),
            (Self::RateLimit | Self::Overloaded, _) => "wait a while, then send the prompt again".to_owned(),
            (Self::ContextFull, _) => "have the agent compact it (often `/compact`), or start a new session".to_owned(),
            (Self::Refused, _) => "say it differently, or choose another model".to_owned(),
            (Self::Unreachable, _) => "check the network, the proxy and the base URL".to_owned(),
            (Self::UnknownModel, _) => "choose a model this account can use".to_owned(),
            (Self::Model, _) => "send the prompt again".to_owned(),
            _ => String::new(),
        };
        let words = words.trim_end_matches(['.', ' ']);
        let mut reason = self.words().to_owned();
        for (between, part) in [(": ", words), ("; ", next.as_str())] {
            if !part.is_empty() {
                reason.push_str(between);
                reason.push_str(part);
            }
        }
        let (retry_at, retry_after_ms) = match again.filter(|_| self.passes()) {
            Some(Again::At(at)) => (Some(at), None),
            Some(Again::After(ms)) => (None, Some(ms)),
            None => (None, None),
        };
        Diagnosis { reason, failure: Failure { kind: self, next, retry_at }, retry_after_ms }
    }

    /// Whether it goes away with time.
    fn passes(self) -> bool {
        matches!(self, Self::RateLimit | Self::Quota | Self::Overloaded)
    }
}

/// Whether words have a sign; a number only as a number of its own.
fn is_said(words: &str, sign: &str) -> bool {
    if !sign.bytes().all(|byte| byte.is_ascii_digit()) {
        return words.contains(sign);
    }
    words.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').any(|word| word.trim_matches('.') == sign)
}

#[cfg(test)]
mod shapes;
#[cfg(test)]
mod tests;
