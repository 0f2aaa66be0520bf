//! Who is the master: asked of the sentinels.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use redis::{Pipeline, Value};
use tokio::task::JoinSet;

use super::{
    fault::Fault,
    link::{Endpoint, Link, lock, text},
    options::Options,
};

/// The master of one service, as long as nobody doubts it.
pub(super) struct Sentinel {
    service: String,
    sentinels: Vec<Arc<Link>>,
    options: Arc<Options>,
    master: Mutex<Option<Arc<Link>>>,
    /// One asks, the others wait for it; and when that failed last.
    asking: tokio::sync::Mutex<Option<(Instant, Fault)>>,
}

impl Sentinel {
    pub(super) fn new(
        service: String,
        nodes: Vec<Endpoint>,
        options: Arc<Options>,
    ) -> Result<Self, Fault> {
        let of_sentinels = Arc::new(options.of_sentinels());
        let sentinels = nodes
            .into_iter()
            .map(|node| Link::new(node, Arc::clone(&of_sentinels), false).map(Arc::new))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            service,
            sentinels,
            options,
            master: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    pub(super) async fn master(&self) -> Result<Arc<Link>, Fault> {
        if let Some(master) = self.known() {
            return Ok(master);
        }
        let asked = Instant::now();
        let mut failed = self.asking.lock().await;
        if let Some(master) = self.known() {
            return Ok(master);
        }
        if let Some((_, fault)) = failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(fault.clone());
        }
        match self.find().await {
            Ok(master) => {
                *failed = None;
                *lock(&self.master) = Some(Arc::clone(&master));
                Ok(master)
            }
            Err(fault) => {
                *failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }

    fn known(&self) -> Option<Arc<Link>> {
        lock(&self.master).clone()
    }

    /// Whoever it is, it may be another one by now.
    pub(super) fn doubt(&self, link: &Arc<Link>) {
        let mut master = lock(&self.master);
        if master.as_ref().is_some_and(|master| Arc::ptr_eq(master, link)) {
            *master = None;
        }
    }

    /// Asks all at once, and believes the newest view of the majority: one that was cut off tells of
    /// an old master.
    async fn find(&self) -> Result<Arc<Link>, Fault> {
        let mut asked = JoinSet::new();
        for sentinel in &self.sentinels {
            let (sentinel, service) = (Arc::clone(sentinel), self.service.clone());
            asked.spawn(async move { view(&sentinel, &service).await });
        }
        let majority = self.sentinels.len() / 2 + 1;
        let mut answers = 0;
        let mut newest: Option<View> = None;
        let mut last = Fault::Unfit("no sentinel was named".to_owned());
        while let Some(answer) = asked.join_next().await {
            match answer {
                Ok(Ok(view)) => {
                    answers += 1;
                    if newest.as_ref().is_none_or(|newest| view.epoch > newest.epoch) {
                        newest = Some(view);
                    }
                    if answers == majority {
                        break;
                    }
                }
                Ok(Err(fault)) => last = fault,
                Err(_) => {}
            }
        }
        let view = newest.ok_or(last)?;
        Link::new(view.master, Arc::clone(&self.options), true).map(Arc::new)
    }
}

/// What one sentinel knows.
struct View {
    master: Endpoint,
    epoch: u64,
}

/// In the midst of a failover the address is the new one before the fields of the master are; the
/// epoch belongs to it.
async fn view(sentinel: &Link, service: &str) -> Result<View, Fault> {
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(service);
    pipeline.cmd("SENTINEL").arg("MASTER").arg(service);
    let mut answers = sentinel.send(&pipeline).await?.into_iter();
    let address = answers.next();
    // Without such a service it says so here, and is silent there.
    let fields = fields(answers.next())?;
    let epoch = fields.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
    let Some(Value::Array(address)) = address else { return Err(Fault::Strange) };
    match (address.first().map(text), address.get(1).and_then(|port| text(port).parse().ok())) {
        (Some(host), Some(port)) => Ok(View { master: Endpoint { host, port }, epoch }),
        _ => Err(Fault::Strange),
    }
}

fn fields(answer: Option<Value>) -> Result<HashMap<String, String>, Fault> {
    match answer {
        Some(Value::Array(flat)) => {
            Ok(flat.chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect())
        }
        Some(Value::Map(pairs)) => {
            Ok(pairs.iter().map(|(name, value)| (text(name), text(value))).collect())
        }
        Some(Value::ServerError(error)) => Err(Fault::Refused(error.into())),
        _ => Err(Fault::Strange),
    }
}
