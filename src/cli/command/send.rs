//! `divisi send`: a follow-up.

use std::time::Duration;

use crate::cli::attach::AttachArgs;
use crate::cli::command::Outcome;
use crate::cli::command::new::say_end;
use crate::cli::context::{Context, Door};
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::prompt::PromptArgs;
use crate::cli::render;
use crate::cli::variables;
use crate::model::attachment::When;
use crate::model::command::{Command, Outcome as Came, Receipt, SendPrompt};
use crate::model::id::{PromptId, Seq, TurnId};
use crate::model::session::SessionView;
use crate::model::{Envelope, Event, Refusal};

/// Send a follow-up prompt; while a turn runs it waits its turn
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi send parser 'use the existing helper'
  divisi send parser --now 'not that file'        # into the running turn
  divisi send parser --interrupt 'stop, do this'  # ends the running turn first
  divisi send parser --image screen.png 'why does it look like this?'
  divisi send parser /compact                     # the agent's own commands pass unchanged
  divisi send parser --wait --from-file review.md")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// Put it into the running turn, if the agent can; else it is the next
    #[arg(long, alias = "steer", conflicts_with = "interrupt")]
    now: bool,
    /// Interrupt the running turn, then send it before everything that waits
    #[arg(long)]
    interrupt: bool,
    /// Wait until the agent stops or needs a person
    #[arg(long)]
    wait: bool,
    /// A variable of yours for the agent's processes from now on, by its name; it is not stored
    #[arg(long, value_name = "NAME")]
    env: Vec<String>,
    /// Print the receipt (with --wait: the session) as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    attach: AttachArgs,
    #[command(flatten)]
    prompt: PromptArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    let when = match (args.now, args.interrupt) {
        (true, _) => When::Now,
        (false, true) => When::Interrupt,
        (false, false) => When::Free,
    };
    let attach = args.attach.attach()?;
    let text = args.prompt.read(context, "")?;
    let given = variables::given(&args.env)?;
    if let Some(name) = given.environment.keys().next() {
        return Err(Refusal::user(format!("failed to read --env {name}=...: a follow-up takes names only"))
            .hint(format!("export {name}=..., then: --env {name}")));
    }
    let caller = variables::values(given.pass.into_iter());
    let before = door.head();
    let prompt = SendPrompt { session: view.id.clone(), text, attach, when, caller };
    let receipt = door.submit(Command::SendPrompt(prompt)).await?;
    let words = told(context, &door, &view, when, &receipt, before).await?;
    if args.wait {
        if when != When::Free && !args.json {
            render::remark(&words);
        }
        let (views, end) = follow::until_settled(context, &mut door, &[view.id]).await?;
        match views.first() {
            Some(view) if args.json => render::json(view),
            Some(view) => say_end(context, view),
            None => {}
        }
        return Ok(end);
    }
    if args.json {
        render::json(&receipt);
    } else {
        render::text(&words);
    }
    Ok(Exit::Done)
}

/// What became of the prompt, in words.
async fn told(
    context: &Context,
    door: &Door<'_>,
    view: &SessionView,
    when: When,
    receipt: &Receipt,
    before: Seq,
) -> Result<String, Refusal> {
    let name = &view.name;
    let runs = view.turn.as_ref().is_some_and(|turn| turn.outcome.is_none());
    Ok(match (&receipt.outcome, when) {
        (Came::Steering { prompt, turn }, _) => {
            let doing = "waiting for the agent to take it";
            let went = follow::until(context, door, &view.id, before, doing, |event| went(event, prompt, turn));
            match tokio::time::timeout(PATIENCE, went).await.ok().transpose()? {
                Some(Went::In) => format!("sent as {prompt} into the running turn"),
                Some(Went::Missed(why)) => {
                    format!("sent as {prompt}: not into the running turn ({why}), it is the next")
                }
                Some(Went::Over) => {
                    format!("sent as {prompt}: the turn ended before the agent took it, it is the next")
                }
                None => {
                    format!(
                        "sent as {prompt} into the running turn: the agent takes it up when its current step is over"
                    )
                }
            }
        }
        (Came::Queued { prompt }, When::Now) if runs => format!(
            "queued as {prompt}, next in line: {} cannot take a prompt into its running turn (now: divisi stop {name})",
            view.agent
        ),
        (Came::Queued { prompt }, When::Interrupt) if runs => {
            format!("sent as {prompt}: the running turn is interrupted, then it is the next")
        }
        (Came::Queued { prompt }, _) if runs => format!("queued as {prompt}: a turn runs, it waits until that is over"),
        (Came::Queued { prompt }, _) => format!("sent as {prompt}"),
        _ => "sent".to_owned(),
    })
}

/// How long is waited for the agent to take a prompt up: it may be in the middle of a long command.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a prompt for the running turn went.
enum Went {
    In,
    Missed(String),
    Over,
}

fn went(event: &Envelope, prompt: &PromptId, turn: &TurnId) -> Option<Result<Went, Refusal>> {
    match &event.event {
        Event::PromptSteered { id, .. } if id == prompt => Some(Ok(Went::In)),
        Event::PromptSteerMissed { id, reason } if id == prompt => Some(Ok(Went::Missed(reason.clone()))),
        Event::TurnEnded { turn: ended, .. } if ended == turn => Some(Ok(Went::Over)),
        Event::SessionRemoved { .. } => Some(Err(Refusal::conflict("the session was removed"))),
        _ => None,
    }
}
