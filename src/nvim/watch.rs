//! Boards that are open, kept up to date; and batches as events, notices and the statusline need them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer;
use super::board::{Board, Line, Widths, batch, bench, matrix};
use super::handler::Ask;
use super::host::{Done, Host};
use crate::base::clock;
use crate::base::text::visible;
use crate::model::Refusal;
use crate::model::batch::{BatchDetail, BatchView};
use crate::model::bench_view::{Artefact, BenchRun, BenchRunDetail};
use crate::wire::kept::link::call;

/// How often what is open is looked at, to see whether something is due.
pub(super) const PULSE: Duration = Duration::from_millis(100);
/// Between two looks at a board at least.
const PAUSE: Duration = Duration::from_millis(250);
/// So many times as long as a look took: a batch of a thousand runs does not keep the daemon busy.
const EASE: u32 = 6;
/// Without an event: what runs counts on.
const IDLE: Duration = Duration::from_secs(1);

/// Batches that completion knows, beside those that go on.
const KNOWN: usize = 50;

/// Events about batches that the Lua side hears of.
pub const TOLD: [&str; 8] = [
    "batch.created",
    "batch.changed",
    "run.started",
    "run.ended",
    "run.queued",
    "run.settled",
    "evaluation.started",
    "evaluation.ended",
];

/// Where runs of benchmarks are.
pub trait BenchRuns: Send + Sync {
    /// All that were made without a directory of their own, the newest first.
    fn list(&self) -> Vec<BenchRun>;
    /// One, by its directory's name or by a path.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    fn open(&self, run: &str) -> Result<BenchRunDetail, Refusal>;
    /// What is kept of an attempt.
    ///
    /// # Errors
    /// When nothing is, or it cannot be read.
    fn artefact(&self, run: PathBuf, directory: &str, which: Artefact) -> Result<String, Refusal>;
}

/// What is shown on a board.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Batch(Box<BatchDetail>),
    Batches(Vec<BatchView>),
    Run(Box<BenchRunDetail>),
    Runs(Vec<BenchRun>),
}

/// A board that is open.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) board: Board,
    content: Option<Content>,
    widths: Widths,
    window: usize,
    /// Of a batch: task by agent.
    matrix: bool,
    stirred: bool,
    looking: bool,
    asked: Option<Instant>,
    pause: Duration,
}

/// A look that came back.
#[derive(Debug)]
pub(super) struct Look {
    board: String,
    outcome: Result<Content, Refusal>,
}

/// Batches that go on, and boards that are open.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) open: BTreeMap<String, Watched>,
}

/// Which look is due.
fn due(watched: &Watched) -> bool {
    if watched.looking {
        return false;
    }
    let Some(asked) = watched.asked else { return true };
    let rested = asked.elapsed();
    rested >= watched.pause && (watched.stirred || watched.goes_on() && rested >= IDLE)
}

impl Watched {
    /// Whether it changes without an event.
    fn goes_on(&self) -> bool {
        match &self.content {
            Some(Content::Batch(detail)) => detail.view.ended_at.is_none(),
            Some(Content::Batches(views)) => views.iter().any(|view| view.ended_at.is_none()),
            // Another process writes them.
            Some(Content::Run(_) | Content::Runs(_)) => true,
            None => false,
        }
    }

    fn draw(&mut self) {
        let now = clock::now();
        let (lines, about): (Vec<Line>, Value) = match &self.content {
            Some(Content::Batch(detail)) => {
                let draw = if self.matrix { matrix::matrix } else { batch::one };
                (draw(detail, self.window, &mut self.widths, now), batch::row(&detail.view))
            }
            Some(Content::Batches(views)) => (batch::all(views, self.window, &mut self.widths), json!({})),
            Some(Content::Run(detail)) => (
                bench::one(detail, self.window, &mut self.widths),
                json!({ "id": detail.run.id, "path": detail.run.path }),
            ),
            Some(Content::Runs(runs)) => (bench::all(runs, self.window, &mut self.widths), json!({})),
            None => return,
        };
        self.board.show(lines, about);
    }
}

/// The batch that an event is about.
fn batch_of(event: &Value) -> Option<&str> {
    let kind = event["type"].as_str()?;
    let payload = &event["payload"];
    if kind.starts_with("run.") {
        let run = &payload["run"];
        let id = run.as_str().or_else(|| run["id"].as_str())?;
        return id.split_once(".r").map(|(batch, _)| batch);
    }
    let named = kind.starts_with("batch.").then_some(&payload["batch"])?;
    named.as_str().or_else(|| named["id"].as_str())
}

impl Host {
    /// A request about boards, or about what is on them.
    pub(super) fn of_board(&mut self, ask: Ask) {
        let text = |field: &str| ask.params.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let board = text("board");
        let columns =
            ask.params.get("columns").and_then(Value::as_u64).and_then(|columns| usize::try_from(columns).ok());
        let outcome = match ask.method.as_str() {
            "board/open" => {
                let matrix = ask.params.get("matrix").and_then(Value::as_bool).unwrap_or(false);
                self.open_board(&board, columns.unwrap_or(80).clamp(20, 1_000), matrix);
                Ok(json!({}))
            }
            "board/close" => {
                self.watch.open.remove(&board);
                Ok(json!({}))
            }
            "board/run" => Ok(self.run_page(&board, &text("run"))),
            "bench/runs" => Ok(self.bench.list().iter().map(|run| json!({ "id": run.id, "path": run.path })).collect()),
            "bench/artefact" => {
                let which = if text("which") == "patch" { Artefact::Patch } else { Artefact::Log };
                let read = self.bench.artefact(PathBuf::from(text("path")), &text("artefacts"), which);
                read.map(|text| json!({ "lines": visible(&text).split('\n').collect::<Vec<_>>() }))
            }
            "batch/find" | "batch/rows" => return self.find_batch(ask),
            _ => Err(Refusal::internal("no such request")),
        };
        self.answer(ask.id, &ask.method, outcome);
    }

    fn open_board(&mut self, name: &str, window: usize, matrix: bool) {
        let watched = self.watch.open.entry(name.to_owned()).or_insert_with(|| Watched {
            board: Board::default(),
            content: None,
            widths: Widths::default(),
            window,
            matrix,
            stirred: true,
            looking: false,
            asked: None,
            pause: PAUSE,
        });
        if (watched.window, watched.matrix) != (window, matrix) {
            (watched.window, watched.matrix, watched.widths) = (window, matrix, Widths::default());
        }
        watched.draw();
        watched.board.resend();
        // Nothing was heard while nobody looked.
        watched.stirred = true;
        self.look_at_boards();
    }

    /// Looks at what is due.
    pub(super) fn look_at_boards(&mut self) {
        let names: Vec<String> =
            self.watch.open.iter().filter(|(_, watched)| due(watched)).map(|(name, _)| name.clone()).collect();
        for name in names {
            if let Some(watched) = self.watch.open.get_mut(&name) {
                (watched.looking, watched.stirred, watched.asked) = (true, false, Some(clock::instant()));
            }
            let (current, done, bench) = (self.current.clone(), self.done.clone(), Arc::clone(&self.bench));
            tokio::spawn(async move {
                let outcome = if let Some(batch) = name.strip_prefix("batch/") {
                    let answer = call(current, "batch/get", json!({ "batch": batch })).await;
                    answer.and_then(read).map(|detail| Content::Batch(Box::new(detail)))
                } else if name == "batches" {
                    call(current, "batch/list", json!({})).await.and_then(read).map(Content::Batches)
                } else if let Some(run) = name.strip_prefix("bench/").map(str::to_owned) {
                    on_disk(move || bench.open(&run).map(|detail| Content::Run(Box::new(detail)))).await
                } else if name == "benches" {
                    on_disk(move || Ok(Content::Runs(bench.list()))).await
                } else {
                    Err(Refusal::internal("no such board"))
                };
                // The loop ends only with the process.
                let _ = done.send(Done::Look(Look { board: name, outcome }));
            });
        }
    }

    /// What a look brought; the error, for Lua.
    pub(super) fn looked(&mut self, look: Look) -> Option<Value> {
        let watched = self.watch.open.get_mut(&look.board)?;
        watched.looking = false;
        if let Some(asked) = watched.asked {
            watched.pause = (asked.elapsed() * EASE).max(PAUSE);
        }
        match look.outcome {
            Ok(content) => {
                watched.content = Some(content);
                watched.draw();
                None
            }
            Err(refusal) => {
                // One that never was is not asked for again.
                watched.stirred = false;
                Some(json!({ "kind": "board", "board": look.board, "error": answer::refusal(&refusal) }))
            }
        }
    }

    /// Everything about a run of a batch, as it was when it was looked at last.
    fn run_page(&self, board: &str, run: &str) -> Value {
        let content = self.watch.open.get(board).and_then(|watched| watched.content.as_ref());
        let Some(Content::Batch(detail)) = content else { return Value::Null };
        let found = detail.runs.iter().find(|view| view.run.id.as_str() == run);
        found.map_or(Value::Null, |view| json!(batch::run(view, &detail.ranking, clock::now())))
    }

    /// A batch by what a person calls it, as a row; the newest without a name.
    fn find_batch(&self, ask: Ask) {
        let Ask { id, method, params } = ask;
        let (current, done) = (self.current.clone(), self.done.clone());
        self.wake();
        tokio::spawn(async move {
            let wanted = params.get("batch").and_then(Value::as_str).filter(|name| !name.is_empty());
            let outcome = match wanted {
                _ if method == "batch/rows" => {
                    let all = call(current, "batch/list", json!({})).await.and_then(read::<Vec<BatchView>>);
                    let outcome = all.map(|all| all.iter().map(batch::row).collect());
                    // The loop ends only with the process.
                    let _ = done.send(Done::Answer { id, method, outcome });
                    return;
                }
                Some(name) => call(current, "batch/get", json!({ "batch": name })).await.and_then(read::<BatchView>),
                None => call(current, "batch/list", json!({})).await.and_then(read::<Vec<BatchView>>).and_then(|all| {
                    let none = || Refusal::user("there are no batches").hint(":Divisi batch run plan.yaml");
                    all.into_iter().next().ok_or_else(none)
                }),
            };
            let outcome = outcome.map(|view| batch::row(&view));
            // The loop ends only with the process.
            let _ = done.send(Done::Answer { id, method, outcome });
        });
    }

    /// Something happened: boards that show it are looked at soon, and a batch that stands elsewhere is told.
    pub(super) fn stir_boards(&mut self, event: &Value) {
        let Some(batch) = batch_of(event) else { return };
        for (name, watched) in &mut self.watch.open {
            watched.stirred |= name == "batches" || name.strip_prefix("batch/") == Some(batch);
        }
        if matches!(event["type"].as_str(), Some("batch.created" | "batch.changed")) {
            let ended = event["payload"]["state"] == "ended";
            self.tell_batch(batch.to_owned(), ended);
        }
    }

    fn tell_batch(&self, batch: String, ended: bool) {
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            if let Ok(view) = call(current, "batch/get", json!({ "batch": batch })).await.and_then(read::<BatchView>) {
                // The loop ends only with the process. A batch that is gone needs no row.
                let _ = done.send(Done::News(json!({ "kind": "batch", "batch": batch::row(&view), "ended": ended })));
            }
        });
    }

    /// After a connection was made: the batches there are, those that go on above all; and boards are old.
    pub(super) fn refresh_boards(&mut self) {
        for watched in self.watch.open.values_mut() {
            watched.stirred = true;
        }
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            if let Ok(views) = call(current, "batch/list", json!({})).await.and_then(read::<Vec<BatchView>>) {
                let known = views.iter().enumerate().filter(|(at, view)| *at < KNOWN || view.ended_at.is_none());
                let rows: Vec<Value> = known.map(|(_, view)| batch::row(view)).collect();
                // The loop ends only with the process.
                let _ = done.send(Done::News(json!({ "kind": "batches", "batches": rows })));
            }
        });
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, Refusal> {
    serde_json::from_value(answer).map_err(|error| {
        Refusal::internal(format!("the daemon's answer is not understood: {error}"))
            .hint("the binary and the daemon may be of different versions: divisi daemon stop")
    })
}

/// Files are read where nobody waits.
async fn on_disk<T: Send + 'static>(read: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|error| Err(Refusal::internal(format!("a run could not be read: {error}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_name_their_batch() {
        for (event, batch) in [
            (json!({ "type": "run.started", "payload": { "run": "b.r3" } }), Some("b")),
            (json!({ "type": "run.ended", "payload": { "run": { "id": "b.r3" } } }), Some("b")),
            (json!({ "type": "batch.changed", "payload": { "batch": "b", "state": "ended" } }), Some("b")),
            (json!({ "type": "batch.created", "payload": { "batch": { "id": "b" } } }), Some("b")),
            (json!({ "type": "turn.ended", "payload": { "batch": "b" } }), None),
            (json!({ "type": "run.started", "payload": 3 }), None),
            (json!({}), None),
        ] {
            assert_eq!(batch_of(&event), batch, "{event}");
        }
    }
}
