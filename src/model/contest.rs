//! Contests: candidates for the same thing, of which a batch takes the best.

use serde::{Deserialize, Serialize};

use super::batch::Spend;
use super::id::{RunId, SessionId};

/// A contest of a batch: what several agents or attempts made of one prompt in one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contest {
    /// Its number in the batch, one-based.
    pub number: u32,
    /// The task's id.
    pub task: String,
    /// The prompt's id.
    pub prompt: String,
    /// The repository as the plan names it.
    pub repository: String,
    /// Who passed and changed something, the best by evidence first.
    pub candidates: Vec<RunId>,
    /// What the order in which a judge sees them was made from.
    pub seed: u64,
    /// What a judge is asked: nothing when there is none, or one candidate; else twice, the second time in the reverse order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Ask>,
    /// The best first, once that is decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranking: Vec<RunId>,
    /// What the ranking rests on, once it is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// One line for a person: what the judge said, or why it was not heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where it stands.
    pub state: ContestState,
    /// Whether the winner was landed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub landed: bool,
    /// Why the winner was not landed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlanded: Option<String>,
    /// What judging what the winner's landing would make used.
    #[serde(default, skip_serializing_if = "Spend::is_none")]
    pub spend: Spend,
}

impl Contest {
    /// The best, once that is decided.
    pub fn winner(&self) -> Option<&RunId> {
        self.ranking.first().filter(|_| self.decided.is_some())
    }

    /// How it came out, one sentence; a judge's words in it are raw.
    pub fn sentence(&self) -> String {
        let number =
            |run: &RunId| run.as_str().rsplit_once(".r").map_or_else(String::new, |(_, number)| number.to_owned());
        let mut said = match (self.winner(), self.decided) {
            (Some(run), Some(decided)) => format!("run {} won {}", number(run), decided.words()),
            _ if self.state == ContestState::Judging && !self.asks.is_empty() => {
                let heard = self.asks.iter().filter(|ask| ask.answer.is_some()).count();
                format!("a judge compares the candidates: {heard} of {} answers", self.asks.len())
            }
            _ if self.state == ContestState::Judging => "the candidates are compared".to_owned(),
            _ => "nobody won".to_owned(),
        };
        match (&self.unlanded, self.state) {
            (Some(why), _) => said = format!("{said}, not landed: {why}"),
            (None, ContestState::Landing) => said.push_str(", being landed"),
            (None, _) if self.landed => said.push_str(", landed"),
            _ => {}
        }
        match &self.note {
            Some(note) => format!("{said}; {note}"),
            None => said,
        }
    }

    /// What its judges used.
    pub fn spent(&self) -> Spend {
        self.asks.iter().fold(self.spend, |sum, ask| sum.plus(ask.spend))
    }

    /// Whether it is about what this run does.
    pub fn is_of(&self, task: &str, prompt: &str, repository: &str) -> bool {
        self.task == task && self.prompt == prompt && self.repository == repository
    }
}

/// Where a contest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContestState {
    /// A judge is asked.
    Judging,
    /// Its winner is being landed.
    Landing,
    /// Nothing more happens to it.
    Closed,
}

/// What a contest was decided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// Evidence alone: no judge was asked.
    Evidence,
    /// The judge named the same best one both times.
    Judge,
    /// The judge named another best one in another order: a tie, so evidence decides.
    Tie,
    /// The judge could not be heard, so evidence decides.
    NoAnswer,
}

impl Decided {
    /// A few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Evidence => "by evidence",
            Self::Judge => "by the judge, the same in both orders",
            Self::Tie => "by evidence: a tie, the judge disagreed with itself when the order was reversed",
            Self::NoAnswer => "by evidence: the judge gave no valid answer",
        }
    }
}

/// A question to a judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The candidates in the order in which they are shown, as A, B, C.
    pub order: Vec<RunId>,
    /// The judge's session; absent: it was not started yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// What it used, with those asked before it.
    #[serde(default)]
    pub spend: Spend,
    /// How many were asked before and came to no answer by no fault of the question: their programs crashed.
    #[serde(default, skip_serializing_if = "Ask::is_first")]
    pub lost: u32,
}

impl Ask {
    /// A question that nobody was asked yet.
    pub fn of(order: Vec<RunId>) -> Self {
        Self { order, session: None, answer: None, spend: Spend::default(), lost: 0 }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
    fn is_first(lost: &u32) -> bool {
        *lost == 0
    }
}

/// What a judge said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// A ranking.
    Ranked {
        /// The best first.
        order: Vec<RunId>,
        /// Why, a few lines, raw.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Nothing that counts.
    Errored {
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests;
