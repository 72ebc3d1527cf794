//! `divisi log`: the transcript, or the events.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::context::Door;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::id::{Seq, SessionId};
use crate::model::query::{EventPage, ListEvents, Query};
use crate::model::{Envelope, Event, Refusal};
use crate::wire::transcript::{Edit, Transcript};

const PAGE: u32 = 1000;

/// Print a session's transcript
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi log parser
  divisi log parser --follow
  divisi log parser --json | jq -r .[].type")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// Go on printing until the session is removed or you press Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Print the events: an array, or with --follow one event per line
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let session = door.session(&args.session).await?.id;
    match (args.follow, args.json) {
        (false, true) => {
            let mut all = Vec::new();
            pages(&mut door, &session, |events| all.extend(events)).await?;
            render::json(&all);
        }
        (false, false) => {
            let (mut transcript, mut lines) = (Transcript::new(), Vec::new());
            pages(&mut door, &session, |events| {
                for edit in events.iter().flat_map(|event| transcript.push(event)) {
                    edit.apply(&mut lines);
                }
            })
            .await?;
            for line in &lines {
                render::text(line);
            }
        }
        (true, json) => follow(&door, session, json).await?,
    }
    Ok(Exit::Done)
}

/// All events of a session, page by page.
pub(crate) async fn pages(
    door: &mut Door<'_>,
    of: &SessionId,
    mut take: impl FnMut(Vec<Envelope>),
) -> Result<(), Refusal> {
    let mut after = Seq(0);
    loop {
        let list = ListEvents { after, session: Some(of.clone()), limit: Some(PAGE), last: None };
        let page: EventPage = door.query(Query::ListEvents(list)).await?;
        let Some(newest) = page.events.last() else { return Ok(()) };
        after = newest.seq;
        take(page.events);
    }
}

async fn follow(door: &Door<'_>, session: SessionId, json: bool) -> Result<(), Refusal> {
    let mut follower = door.follow(Seq(0), Some(session)).await?;
    let (mut transcript, mut stream) = (Transcript::new(), Stream::default());
    loop {
        for event in follower.next().await?.events {
            if json {
                render::json_line(&event);
            } else {
                for edit in transcript.push(&event) {
                    render::part(&stream.print(&edit));
                }
            }
            if matches!(event.event, Event::SessionRemoved { .. }) {
                render::part(&stream.end());
                return Ok(());
            }
        }
    }
}

/// Edits on paper, where nothing can be replaced: a changed line is printed again at the end.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    open: bool,
}

impl Stream {
    /// What to print for an edit.
    pub(crate) fn print(&mut self, edit: &Edit) -> String {
        match edit {
            Edit::Append { lines } => {
                let text = format!("{}{}", self.end(), lines.join("\n"));
                self.open = true;
                text
            }
            Edit::ExtendLast { text } => text.clone(),
            // Only a detailed transcript has them.
            Edit::Splice { .. } => String::new(),
            // A longer fence for what was printed already helps no reader.
            Edit::Replace { text, .. } if text.starts_with("```") => String::new(),
            Edit::Replace { text, .. } => {
                let text = format!("{}{text}", self.end());
                self.open = true;
                text
            }
        }
    }

    /// Ends the line that is being printed.
    pub(crate) fn end(&mut self) -> String {
        if std::mem::take(&mut self.open) { "\n".to_owned() } else { String::new() }
    }
}

#[cfg(test)]
mod tests;
