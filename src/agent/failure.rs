//! Failures told apart: what an agent says of a failed model call, as one line with what to do next.

use crate::base::text::visible_line;

/// How much of the agent's own words is kept.
const WORDS: usize = 240;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No key, a wrong key, an expired login.
    NotLoggedIn,
    /// Too many requests; later it will work.
    RateLimit,
    /// The plan or the credit is used up.
    Quota,
    /// The provider has too much to do.
    Overloaded,
    /// The conversation no longer fits into the model.
    ContextFull,
    /// The model or a policy declined.
    Refused,
    /// Nothing answered.
    Unreachable,
    /// There is no such model, or not for this account.
    UnknownModel,
    /// The provider rejected the request.
    BadRequest,
    /// The provider failed.
    Model,
    /// Anything else.
    Other,
}

/// Words that tell the kind, the first match wins. Lower case.
const SIGNS: [(Failure, &[&str]); 9] = [
    (
        Failure::ContextFull,
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
        Failure::NotLoggedIn,
        &[
            "not logged in",
            "/login",
            "unauthorized",
            "authentication",
            "invalid api key",
            "invalid x-api-key",
            "api key not valid",
            "no auth",
            "auth method",
            "401",
            "please set an auth",
            "sign in",
            "log in",
        ],
    ),
    (
        Failure::Quota,
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
    (Failure::RateLimit, &["rate limit", "rate_limit", "too many requests", "429"]),
    (Failure::Overloaded, &["overloaded", "high demand", "at capacity", "529", "503"]),
    (
        Failure::Unreachable,
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
        Failure::UnknownModel,
        &["model not found", "model_not_found", "no such model", "unknown model", "does not exist"],
    ),
    (Failure::Refused, &["refusal", "refused", "usage policy", "content policy", "declined"]),
    (Failure::Model, &["500", "502", "504", "server-side", "internal server", "api_error", "server error"]),
];

impl Failure {
    /// Tells the kind from an HTTP status, where there is one, and the agent's words.
    pub(super) fn of(status: Option<u64>, words: &str) -> Self {
        let lower = words.to_lowercase();
        let said = SIGNS.iter().find(|(_, signs)| signs.iter().any(|sign| lower.contains(sign))).map(|(kind, _)| *kind);
        match (status, said) {
            (Some(401 | 403), _) => Self::NotLoggedIn,
            (Some(402), _) | (Some(429), Some(Self::Quota)) => Self::Quota,
            (Some(429), _) => Self::RateLimit,
            (Some(404), _) => Self::UnknownModel,
            (Some(413), _) | (Some(400..=499), Some(Self::ContextFull)) => Self::ContextFull,
            (Some(400..=499), Some(Self::Refused)) => Self::Refused,
            (Some(400..=499), _) => Self::BadRequest,
            (Some(503 | 529), _) => Self::Overloaded,
            (Some(500..), _) => Self::Model,
            (_, Some(kind)) => kind,
            (_, None) => Self::Other,
        }
    }

    /// One line: the kind, the agent's words, and the next step. `login` says how to log in with this agent; `retry` when it may be
    /// tried again, where that is known.
    pub(super) fn reason(self, words: &str, login: &str, retry: Option<&str>) -> String {
        let words = visible_line(words, WORDS);
        let later = match retry {
            Some(when) => format!("; it can be tried again {when}"),
            None => "; wait a while, then send the prompt again".to_owned(),
        };
        let (kind, next) = match self {
            Self::NotLoggedIn => ("not logged in", format!("; {login}")),
            Self::RateLimit => ("rate limit", later),
            Self::Quota if retry.is_some() => ("out of quota", later),
            Self::Quota => ("out of quota", "; check the plan or the key's credit, or choose another model".to_owned()),
            Self::Overloaded => ("the model is overloaded", later),
            Self::ContextFull => (
                "the context is full",
                "; have the agent compact it (often `/compact`), or start a new session".to_owned(),
            ),
            Self::Refused => ("refused", "; say it differently, or choose another model".to_owned()),
            Self::Unreachable => {
                ("the model cannot be reached", "; check the network, the proxy and the base URL".to_owned())
            }
            Self::UnknownModel => ("unknown model", "; choose a model this account can use".to_owned()),
            Self::BadRequest => ("the model rejected the request", String::new()),
            Self::Model => ("the model failed", "; send the prompt again".to_owned()),
            Self::Other => ("the agent failed", String::new()),
        };
        let words = words.trim_end_matches(['.', ' ']);
        if words.is_empty() { format!("{kind}{next}") } else { format!("{kind}: {words}{next}") }
    }
}

/// When, as a number of seconds since the epoch says it, for [`Failure::reason`].
pub(super) fn at(epoch_seconds: u64) -> String {
    let second = epoch_seconds % 86_400;
    let (mut day, mut year) = (epoch_seconds / 86_400, 1970_u64);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while day >= 365 + u64::from(leap(year)) && year < 9999 {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while month < 11 && day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!("at {year:04}-{:02}-{:02} {:02}:{:02} UTC", month + 1, day + 1, second / 3_600, second % 3_600 / 60)
}

#[cfg(test)]
mod tests;
