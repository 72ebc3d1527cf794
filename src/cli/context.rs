//! What every verb has at hand: paths, configuration, the terminal, and the way to the daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::base::paths::Paths;
use crate::cli::Programs;
use crate::cli::render::Screen;
use crate::config::{self, Config};
use crate::model::Refusal;
use crate::model::command::{Command, Receipt};
use crate::model::id::{Seq, SessionId};
use crate::model::query::Query;
use crate::model::session::SessionView;
use crate::wire::client::{CallError, Caller, Client, Follow, Follower, Revive};
use crate::wire::start::connect_or_start;

/// How long a lost daemon is waited for while following.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a lost daemon is started anew for one request.
const RETRIES: u32 = 4;

/// What every verb has at hand.
pub(crate) struct Context {
    pub(crate) paths: Paths,
    pub(crate) config: Config,
    pub(crate) screen: Screen,
    pub(crate) programs: &'static Programs,
}

impl Context {
    pub(crate) fn new(programs: &'static Programs) -> Result<Self, Refusal> {
        let paths = Paths::from_environment()?;
        let (config, screen) = match config::load(&paths.config_file) {
            Ok(config) => {
                let screen = Screen::of_process(config.ui.color);
                (config, screen)
            }
            // `divisi config` has to work on a broken file too: the verbs that need it say what is wrong.
            Err(_) => (Config::default(), Screen::of_process(config::Color::Auto)),
        };
        Ok(Self { paths, config, screen, programs })
    }

    /// The configuration, or what is wrong with it.
    pub(crate) fn require_config(&self) -> Result<Config, Refusal> {
        Ok(config::load(&self.paths.config_file)?)
    }

    /// The way to the daemon; starts one when none runs.
    pub(crate) async fn door(&self) -> Result<Door<'_>, Refusal> {
        self.require_config()?;
        let client = self.connect().await?;
        Ok(Door { context: self, client })
    }

    /// The way to a daemon that runs already.
    pub(crate) async fn open_door(&self) -> Result<Door<'_>, Refusal> {
        let client = Client::connect(&self.paths.socket, &caller()).await?;
        Ok(Door { context: self, client })
    }

    /// For followers: starts a daemon in the place of one that died.
    fn revive(&self) -> Revive {
        let (paths, programs) = (self.paths.clone(), self.programs);
        Revive(Arc::new(move || {
            let paths = paths.clone();
            Box::pin(async move {
                let start = || (programs.start_daemon)(&paths);
                connect_or_start(&paths, &caller(), &start).await.map(drop)
            })
        }))
    }

    /// A connection to the daemon; one is started when none runs.
    pub(crate) async fn connect(&self) -> Result<Client, Refusal> {
        let start = || (self.programs.start_daemon)(&self.paths);
        connect_or_start(&self.paths, &caller(), &start).await
    }
}

/// This face as the daemon knows it.
pub(crate) fn caller() -> Caller {
    Caller::new("cli")
}

/// The current directory, which names a repository.
pub(crate) fn here() -> Result<PathBuf, Refusal> {
    std::env::current_dir()
        .map_err(|error| Refusal::environment(format!("failed to find the current directory: {error}")))
}

/// A path as the wire carries it.
pub(crate) fn path_text(path: &Path) -> Result<String, Refusal> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Refusal::user(format!("failed to make {} absolute: {error}", path.display())))?;
    absolute.to_str().map(str::to_owned).ok_or_else(|| {
        Refusal::user(format!("failed to use {}: its path is not UTF-8", path.display()))
            .hint("use a symbolic link with a plain name")
    })
}

/// The way to the daemon.
pub(crate) struct Door<'a> {
    context: &'a Context,
    client: Client,
}

impl Door<'_> {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The newest event when the door was opened: what a command brings about comes after it.
    pub(crate) fn head(&self) -> Seq {
        self.client.welcome().head
    }

    /// Submits a command. When the daemon is lost before it answers, the same command is sent again to the next one, under the same
    /// id: it is carried out once.
    pub(crate) async fn submit(&mut self, command: Command) -> Result<Receipt, Refusal> {
        let id = Client::command_id();
        for _ in 0..RETRIES {
            match self.client.submit(&id, &command).await {
                Err(CallError::Lost) => self.client = self.context.connect().await?,
                other => return Ok(other?),
            }
        }
        Ok(self.client.submit(&id, &command).await?)
    }

    /// Asks a query; when the daemon is lost, the next one.
    pub(crate) async fn query<T: DeserializeOwned>(&mut self, query: Query) -> Result<T, Refusal> {
        for _ in 0..RETRIES {
            match self.client.query(&query).await {
                Err(CallError::Lost) => self.client = self.context.connect().await?,
                other => return Ok(other?),
            }
        }
        Ok(self.client.query(&query).await?)
    }

    /// A session by id, prefix or name; names are looked up first in the repository around the current directory.
    pub(crate) async fn session(&mut self, reference: &str) -> Result<SessionView, Refusal> {
        let repository = here().ok().and_then(|dir| path_text(&dir).ok());
        let show = crate::model::query::ShowSession { session: reference.to_owned(), repository };
        self.query(Query::ShowSession(show)).await
    }

    /// Events after a number, with views, of one session or all. A daemon that dies meanwhile is replaced; one that was told to stop
    /// is waited for.
    pub(crate) async fn follow(&self, after: Seq, session: Option<SessionId>) -> Result<Follower, Refusal> {
        self.follow_with(after, session, true).await
    }

    /// Events after a number, of everything, without views.
    pub(crate) async fn follow_events(&self, after: Seq) -> Result<Follower, Refusal> {
        self.follow_with(after, None, false).await
    }

    async fn follow_with(&self, after: Seq, session: Option<SessionId>, views: bool) -> Result<Follower, Refusal> {
        Follower::open(Follow {
            socket: self.context.paths.socket.clone(),
            caller: caller(),
            after: Some(after),
            session,
            views,
            patience: PATIENCE,
            revive: Some(self.context.revive()),
        })
        .await
    }
}
