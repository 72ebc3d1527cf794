//! The plan as newer versions keep it: a list of tasks, made and changed by tools of their own (`TaskCreate`, `TaskUpdate`) in the
//! place of `TodoWrite`. A task's id is told only in the result of the tool that made it (`Task #1 created successfully`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::agent::PlanEntry;

use super::super::acp::wire;

/// The tasks of a conversation.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    /// Calls that have no result yet: their tool's name and arguments.
    asked: BTreeMap<String, (String, Value)>,
    /// By id, in the order in which they were made.
    made: Vec<(String, PlanEntry)>,
}

impl Tasks {
    /// A tool is used.
    pub(super) fn on_use(&mut self, call: &str, name: &str, input: &Value) {
        if matches!(name, "TaskCreate" | "TaskUpdate") {
            self.asked.insert(call.to_owned(), (name.to_owned(), input.clone()));
        }
    }

    /// It has a result: the plan, when that changed it.
    pub(super) fn on_result(&mut self, call: &str, failed: bool, text: &str) -> Option<Vec<PlanEntry>> {
        let (name, input) = self.asked.remove(call)?;
        if failed {
            return None;
        }
        if name == "TaskCreate" {
            let id = text.strip_prefix("Task #")?.split_whitespace().next()?.to_owned();
            let entry = PlanEntry {
                content: wire::text(&input, "subject").unwrap_or("a task").to_owned(),
                status: "pending".to_owned(),
                priority: String::new(),
            };
            self.made.push((id, entry));
        } else {
            let id = wire::text(&input, "taskId")?;
            let at = self.made.iter().position(|(made, _)| made == id)?;
            match wire::text(&input, "status") {
                Some("deleted") => {
                    self.made.remove(at);
                }
                status => {
                    let entry = &mut self.made[at].1;
                    if let Some(status) = status {
                        status.clone_into(&mut entry.status);
                    }
                    if let Some(subject) = wire::text(&input, "subject") {
                        subject.clone_into(&mut entry.content);
                    }
                }
            }
        }
        Some(self.made.iter().map(|(_, entry)| entry.clone()).collect())
    }
}
