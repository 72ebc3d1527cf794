//! Watching the three sessions: a small table drawn in place on a terminal, a line per change elsewhere. The approval is asked here.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::text::visible_line;
use crate::cli::context::{Context, Door};
use crate::cli::exit::{Exit, settled};
use crate::cli::key::Keys;
use crate::cli::render::live::{Live, columns};
use crate::cli::render::table::{Table, cut};
use crate::cli::render::{self, Line, Style, words};
use crate::model::Refusal;
use crate::model::approval::{Answer, Approval};
use crate::model::command::{AnswerApproval, Command};
use crate::model::id::SessionId;
use crate::model::query::{ListApprovals, Query};
use crate::model::session::SessionView;
use crate::wire::client::{Batch, Follower};

/// The sessions as they are shown.
pub(super) struct Watch<'a> {
    context: &'a Context,
    order: Vec<SessionId>,
    views: BTreeMap<SessionId, SessionView>,
    /// What was last said of each, where lines are not drawn again.
    said: BTreeMap<SessionId, String>,
    live: Option<Live>,
    /// The approval that is being asked, and the keys that answer it.
    asked: Option<(Approval, Keys)>,
}

enum Heard {
    Batch(Batch),
    Key(Option<u8>),
}

impl<'a> Watch<'a> {
    pub(super) fn new(context: &'a Context, order: Vec<SessionId>) -> Self {
        let screen = &context.screen;
        let live = screen.width.is_some().then(|| Live::new(screen));
        Self { context, order, views: BTreeMap::new(), said: BTreeMap::new(), live, asked: None }
    }

    /// Shows them until none works any more; returns how they ended, in their order.
    pub(super) async fn run(
        mut self,
        door: &mut Door<'_>,
        follower: &mut Follower,
    ) -> Result<Vec<SessionView>, Refusal> {
        for id in self.order.clone() {
            let view = door.session(id.as_str()).await?;
            self.views.insert(id, view);
        }
        loop {
            self.ask(door).await?;
            self.show();
            // One that waits although nothing is asked was answered just now, and goes on.
            if self.views.values().all(|view| settled(view).is_some_and(|exit| exit != Exit::Waiting)) {
                return Ok(self.order.iter().filter_map(|id| self.views.remove(id)).collect());
            }
            match self.hear(follower).await? {
                Heard::Batch(batch) => self.take(door, batch).await?,
                Heard::Key(key) => self.key(door, key).await?,
            }
        }
    }

    async fn hear(&mut self, follower: &mut Follower) -> Result<Heard, Refusal> {
        match &mut self.asked {
            None => Ok(Heard::Batch(follower.next().await?)),
            Some((_, keys)) => tokio::select! {
                batch = follower.next() => Ok(Heard::Batch(batch?)),
                // A terminal that cannot be read any more is one without a person.
                key = keys.next() => Ok(Heard::Key(key)),
            },
        }
    }

    async fn take(&mut self, door: &mut Door<'_>, batch: Batch) -> Result<(), Refusal> {
        let mut stale: BTreeSet<_> = batch.events.into_iter().filter_map(|event| event.session).collect();
        for view in batch.sessions {
            stale.remove(&view.id);
            if let Some(known) = self.views.get_mut(&view.id) {
                *known = view;
            }
        }
        // What an agent says comes without a view, but it is what the agent is doing.
        for id in stale.into_iter().filter(|id| self.order.contains(id)) {
            let view = door.session(id.as_str()).await?;
            self.views.insert(id, view);
        }
        Ok(())
    }

    /// Finds what waits for an answer, or is not open any more.
    async fn ask(&mut self, door: &mut Door<'_>) -> Result<(), Refusal> {
        if let Some((asked, _)) = &self.asked {
            // Somebody else may answer it: in another terminal, or an editor.
            if self.views.get(&asked.session).is_some_and(|view| view.approvals == 0) {
                self.asked = None;
            }
            return Ok(());
        }
        let Some(waiting) = self.views.values().find(|view| view.approvals > 0).map(|view| view.id.clone()) else {
            return Ok(());
        };
        let asked = ListApprovals { session: Some(waiting) };
        let open: Vec<Approval> = door.query(Query::ListApprovals(asked)).await?;
        let Some(approval) = open.into_iter().next() else { return Ok(()) };
        let keys = (self.live.is_some() && self.context.screen.input).then(Keys::listen).and_then(Result::ok);
        if let Some(keys) = keys {
            self.asked = Some((approval, keys));
            return Ok(());
        }
        self.show();
        for line in self.request(&approval) {
            render::line(&self.context.screen, &line);
        }
        render::text("  no terminal to ask at: answered once");
        if let Some(live) = &mut self.live {
            *live = Live::new(&self.context.screen);
        }
        self.answer(door, &approval, Answer::Once).await
    }

    async fn key(&mut self, door: &mut Door<'_>, key: Option<u8>) -> Result<(), Refusal> {
        let answer = match key {
            None | Some(b'o' | b'O' | b'\r' | b'\n') => Answer::Once,
            Some(b'r' | b'R') => Answer::Reject { message: None },
            Some(_) => return Ok(()),
        };
        if let Some((approval, keys)) = self.asked.take() {
            drop(keys);
            self.answer(door, &approval, answer).await?;
        }
        Ok(())
    }

    async fn answer(&mut self, door: &mut Door<'_>, approval: &Approval, answer: Answer) -> Result<(), Refusal> {
        let command = AnswerApproval { approval: approval.id.clone(), answer, option: None };
        let answered = door.submit(Command::AnswerApproval(command)).await;
        match answered {
            // The first answer won, and it was another's.
            Err(refusal) if refusal.kind == crate::model::RefusalKind::Conflict => {}
            answered => drop(answered?),
        }
        // What comes next may take a while, and it waits for nobody any more.
        let view = door.session(approval.session.as_str()).await?;
        self.views.insert(approval.session.clone(), view);
        Ok(())
    }

    fn show(&mut self) {
        let Some(live) = &mut self.live else {
            self.say();
            return;
        };
        let width = columns(&self.context.screen);
        let table = table(self.order.iter().filter_map(|id| self.views.get(id)), width.unwrap_or(80));
        let mut lines = table.lines(width);
        if let Some((approval, _)) = &self.asked {
            let request = request(&self.views, approval, width);
            lines.push(Line::new());
            lines.extend(request);
            live.draw(
                &lines,
                Some(&Line::new().add(Style::Bold, "[o]nce, [r]eject").add(Style::Dim, " (Enter: once) ")),
            );
        } else {
            live.draw(&lines, None);
        }
    }

    fn say(&mut self) {
        for view in self.order.iter().filter_map(|id| self.views.get(id)) {
            let now = format!("{:<14} {:<14} {}", view.name, view.state.as_str(), doing(view)).trim_end().to_owned();
            if self.said.get(&view.id) != Some(&now) {
                render::text(&now);
                self.said.insert(view.id.clone(), now);
            }
        }
    }

    fn request(&self, approval: &Approval) -> Vec<Line> {
        request(&self.views, approval, columns(&self.context.screen))
    }
}

/// What an agent wants, in words.
fn request(views: &BTreeMap<SessionId, SessionView>, approval: &Approval, width: Option<usize>) -> Vec<Line> {
    let name = views.get(&approval.session).map_or("an agent", |view| view.name.as_str());
    let fit = |text: String| width.map_or_else(|| text.clone(), |width| cut(&text, width.saturating_sub(1)));
    let wants = approval.command_line.as_deref().unwrap_or(&approval.tool.title);
    let why = approval.command_line.as_ref().map(|_| visible_line(&approval.tool.title, 500));
    let mut lines = vec![
        Line::new().add(Style::Attention, &fit(format!("{name} asks: may I run `{}`?", visible_line(wants, 500)))),
    ];
    lines.extend(why.map(|why| Line::new().add(Style::Plain, &fit(format!("  {why}")))));
    let meanwhile = "  It waits for you; the others go on.";
    lines.push(Line::new().add(Style::Dim, &fit(meanwhile.to_owned())));
    lines
}

fn table<'a>(views: impl Iterator<Item = &'a SessionView>, width: usize) -> Table {
    let wide = width >= 72;
    let head: &[&'static str] =
        if wide { &["SESSION", "AGENT", "STATE", "PLAN", "DOING"] } else { &["SESSION", "STATE", "DOING"] };
    let mut table = Table::new(head);
    for view in views {
        let name = (Style::Bold, view.name.clone());
        let state = (words::state_style(view.state), view.state.as_str().to_owned());
        let doing = (Style::Plain, doing(view));
        table.row(if wide {
            vec![name, (Style::Dim, view.agent.clone()), state, (Style::Dim, plan(view)), doing]
        } else {
            vec![name, state, doing]
        });
    }
    table
}

fn plan(view: &SessionView) -> String {
    let done = view.plan.iter().filter(|entry| entry.status == "completed").count();
    if view.plan.is_empty() { String::new() } else { format!("{done}/{}", view.plan.len()) }
}

fn doing(view: &SessionView) -> String {
    let changes = words::stat(view.stat);
    match (settled(view), &view.reason, &view.activity) {
        (_, Some(reason), _) => reason.clone(),
        (Some(Exit::Done), ..) if !changes.is_empty() => changes,
        (_, _, Some(activity)) => activity.clone(),
        (None, ..) => "starting".to_owned(),
        _ => String::new(),
    }
}
