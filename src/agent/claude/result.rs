//! The end of a turn: usage and outcome from the `result` message.

use serde_json::Value;

use crate::host::port::Update;
use crate::model::turn::TurnOutcome;
use crate::model::usage::{Usage, UsageScope, UsageSource};

use super::super::acp::wire;
use super::super::failure::Failure;
use super::super::turns::{Phase, done, failed, interrupted};
use super::{ClaudeConversation, LOGIN, prompt};

/// What was counted before.
#[derive(Debug, Clone, Default)]
pub(super) struct Spent {
    /// The total cost as last told by this process, in millionths.
    total_micros: i64,
    /// Tokens that the last model call of the conversation itself read.
    context: Option<u64>,
}

impl Spent {
    /// Notes how full the context is. Nothing else of the usage in these messages is final.
    pub(super) fn on_assistant(&mut self, message: &Value) {
        let usage = message.pointer("/message/usage").unwrap_or(&Value::Null);
        let read: u64 = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]
            .iter()
            .filter_map(|name| usage.get(name)?.as_u64())
            .fold(0, u64::saturating_add);
        if read > 0 {
            self.context = Some(read);
        }
    }

    /// The usage of the turn. Cost is told for the whole conversation (since 2.1.3xx even across processes), so only what was added
    /// counts.
    fn of_result(&mut self, result: &Value) -> Option<Usage> {
        let since = result.get("model_usage_since_last_result").and_then(Value::as_object);
        let models = since.or_else(|| result.get("modelUsage").and_then(Value::as_object));
        let total = result.get("total_cost_usd").and_then(Value::as_f64).and_then(micros);
        let added = total.map(|total| (total - std::mem::replace(&mut self.total_micros, total)).max(0));
        let cost_micros = match since {
            Some(models) => {
                let costs = models.values().filter_map(|model| model.get("costUSD")?.as_f64());
                micros(costs.sum()).or(added)
            }
            None => added,
        };
        let told = result.get("usage")?;
        let mut counts = Counts::of(told);
        if counts == Counts::default()
            && let Some(models) = since
        {
            // An interrupted turn tells zeros here, though model calls were paid for.
            counts = models.values().map(Counts::of_model).fold(Counts::default(), Counts::plus);
        }
        if counts == Counts::default() && cost_micros.unwrap_or_default() == 0 {
            return None;
        }
        let context_size =
            models.and_then(|models| models.values().filter_map(|model| model.get("contextWindow")?.as_u64()).max());
        Some(Usage {
            scope: UsageScope::Turn,
            source: UsageSource::Reported,
            input: counts.input,
            cache_read: counts.cache_read,
            cache_write: counts.cache_write,
            output: counts.output.saturating_sub(counts.reasoning),
            reasoning: counts.reasoning,
            currency: cost_micros.map(|_| "USD".to_owned()),
            cost_micros,
            context_used: self.context,
            context_size,
        })
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

impl Counts {
    fn of(usage: &Value) -> Self {
        let number = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or_default();
        Self {
            input: number("input_tokens"),
            cache_read: number("cache_read_input_tokens"),
            cache_write: number("cache_creation_input_tokens"),
            output: number("output_tokens"),
            reasoning: usage
                .pointer("/output_tokens_details/thinking_tokens")
                .and_then(Value::as_u64)
                .unwrap_or_default(),
        }
    }

    fn of_model(usage: &Value) -> Self {
        let number = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or_default();
        Self {
            input: number("inputTokens"),
            cache_read: number("cacheReadInputTokens"),
            cache_write: number("cacheCreationInputTokens"),
            output: number("outputTokens"),
            reasoning: number("thinkingTokens"),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}

fn micros(amount: f64) -> Option<i64> {
    let micros = (amount * 1_000_000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "bounded on the same line; whole after round()")]
    (micros.is_finite() && micros.abs() < 9.0e15).then_some(micros as i64)
}

impl ClaudeConversation {
    pub(super) fn on_result(&mut self, result: &Value, updates: &mut Vec<Update>) {
        updates.append(&mut self.speech.said);
        if matches!(self.turns.phase, Phase::Created | Phase::Opening) {
            // It gives up before it is ready: the conversation to resume is gone, or its settings are broken.
            return self.gave_up(result, updates);
        }
        if self.turns.running.is_none() && !self.strays.is_empty() {
            self.stray_result = Some(result.clone());
            return;
        }
        let more = self.has_more();
        let mut usage = self.spent.of_result(result);
        if let Some(usage) = usage.as_mut().filter(|_| more || self.goes_on) {
            // One of several results of this turn.
            usage.scope = UsageScope::Step;
        }
        updates.extend(usage.map(Update::Usage));
        self.goes_on = more;
        if more {
            if let TurnOutcome::Failed { reason } | TurnOutcome::Interrupted { reason } =
                self.outcome_of(result, updates)
            {
                updates.push(Update::Notice(reason));
            }
            return;
        }
        if self.turns.running.is_some() {
            self.drop_steers(updates);
            let outcome = self.outcome_of(result, updates);
            self.turns.close(outcome, updates);
        }
        updates.extend(self.turns.deliverable().map(|(turn, wanted)| prompt(&turn, &wanted)));
    }

    fn gave_up(&mut self, result: &Value, updates: &mut Vec<Update>) {
        let words = words_of(result);
        let lost = words.contains("No conversation found");
        let (reason, hints) = match &self.ready.conversation {
            Some(id) if lost => (
                format!("the earlier conversation {id} is gone: {words}"),
                vec!["start a new session from this one's branch; its files and commits are all there".to_owned()],
            ),
            _ => {
                let status = result.get("api_error_status").and_then(Value::as_u64);
                (
                    Failure::of(status, &words).reason(&words, LOGIN, None),
                    vec!["try `claude -p hello` by hand".to_owned()],
                )
            }
        };
        self.turns.unusable(reason, hints, updates);
    }

    fn outcome_of(&self, result: &Value, updates: &mut Vec<Update>) -> TurnOutcome {
        let flagged = result.get("is_error").and_then(Value::as_bool) == Some(true);
        let subtype = wire::text(result, "subtype").unwrap_or_default();
        let stop_reason = wire::text(result, "stop_reason").unwrap_or("end_turn");
        let aborted = wire::text(result, "terminal_reason").is_some_and(|reason| reason.starts_with("aborted"));
        let running = self.turns.running.as_ref();
        let ended_by_person = |cancelling: bool, refused: bool| match (cancelling, refused) {
            (true, _) => interrupted("cancelled"),
            (false, true) => interrupted("ended with a refusal"),
            (false, false) => interrupted("the agent was interrupted"),
        };
        let (cancelling, refused) = running.map_or((false, false), |running| (running.cancelling, running.refused));
        if aborted || ((flagged || subtype == "error_during_execution") && (cancelling || refused)) {
            return ended_by_person(cancelling, refused);
        }
        match subtype {
            "error_max_turns" => {
                let text = "the agent stopped at its limit of model calls in a turn; the work may be unfinished";
                updates.push(Update::Notice(text.to_owned()));
                return done("max_turns");
            }
            "error_max_budget_usd" => {
                return failed(Failure::Quota.reason("the budget for this process is used up", LOGIN, None));
            }
            _ => {}
        }
        if flagged || subtype.starts_with("error") {
            let words = words_of(result);
            let status = result.get("api_error_status").and_then(Value::as_u64);
            return failed(Failure::of(status, &words).reason(&words, LOGIN, self.retry.as_deref()));
        }
        match stop_reason {
            "refusal" => failed(Failure::Refused.reason("the model declined to go on", LOGIN, None)),
            "max_tokens" => {
                updates.push(Update::Notice(
                    "the agent stopped at its limit of tokens; the work may be unfinished".to_owned(),
                ));
                done("max_tokens")
            }
            other => done(other),
        }
    }
}

/// What a failed result says.
fn words_of(result: &Value) -> String {
    let errors: Vec<&str> = wire::list(result, "errors").iter().filter_map(Value::as_str).collect();
    match [result.get("result"), result.get("error"), result.pointer("/error/message")]
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find(|words| !words.is_empty())
    {
        Some(words) => words.to_owned(),
        None => errors.join("; "),
    }
}
