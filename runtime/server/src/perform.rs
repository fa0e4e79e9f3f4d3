//! Carries out a call through the worker's handle and answers as Connect does.
use crate::call::{Call, Detail, LoggerChange, Question, Task};
use crate::config::{Asked, Creation, Previewed};
use crate::fault::Fault;
use crate::front::Site;
use crate::{openapi, reply, shape};
use axum::response::Response;
use cluster::{Properties, Restart, TargetState};
use hyper::StatusCode;
use serde_json::{Map, Value, json};
use worker::Handle;
use worker::api::{ConnectorInfo, ConnectorStatus, Refusal};

pub(crate) async fn perform(call: Call, site: &Site) -> Result<Response, Fault> {
    let worker = &site.handle;
    Ok(match call {
        Call::Allowed(methods) => reply::allowed(&methods),
        Call::Root => reply::json(&shape::root(&worker.root())),
        Call::Health => health(worker).await,
        Call::Metrics { is_openmetrics } => metrics(worker, is_openmetrics),
        Call::OpenApi => reply::text("application/json", openapi::document().to_owned()),
        Call::Connectors => reply::json(&worker.connectors().await?.into()),
        Call::Expanded(details) => expanded(worker, &details).await?,
        Call::Create(creation) => create(site, creation).await?,
        Call::Info(name) => reply::json(&shape::info(&worker.info(&name).await?)),
        Call::Delete(name) => done(StatusCode::NO_CONTENT, worker.delete(&name).await)?,
        Call::Config(name) => reply::json(&shape::config(&worker.info(&name).await?.config)),
        Call::PutConfig(name, config) => put_config(site, &name, config).await?,
        Call::PatchConfig(name, patch) => {
            reply::json(&shape::info(&worker.patch_config(&name, patch).await?))
        }
        Call::Status(name) => reply::json(&shape::status(&worker.status(&name).await?)),
        Call::Tasks(name) => reply::json(&shape::tasks(&name, &worker.tasks(&name).await?)),
        // The plugin is asked here again, so what the other worker found out is not needed.
        Call::PutTasks(name) => done(StatusCode::NO_CONTENT, worker.replan(&name).await)?,
        Call::TaskStatus(task) => task_status(worker, &task).await?,
        Call::RestartTask(task) => restart_task(worker, &task).await?,
        Call::Restart(name, restart) => restart_all(worker, &name, restart).await?,
        Call::Pause(name) => done(StatusCode::ACCEPTED, worker.set_target(&name, TargetState::Paused).await)?,
        Call::Resume(name) => {
            done(StatusCode::ACCEPTED, worker.set_target(&name, TargetState::Started).await)?
        }
        Call::Stop(name) => {
            done(StatusCode::NO_CONTENT, worker.set_target(&name, TargetState::Stopped).await)?
        }
        Call::Topics(name) => reply::json(&shape::topics(&name, &worker.topics(&name).await?)),
        Call::ResetTopics(name) => done(StatusCode::ACCEPTED, worker.reset_topics(&name).await)?,
        // No task of an earlier generation can still be writing: none has a transaction of its own.
        Call::Fence(name) => done(StatusCode::NO_CONTENT, worker.info(&name).await.map(drop))?,
        Call::Offsets(name) => reply::json(&shape::offsets(&worker.offsets(&name).await?)),
        Call::AlterOffsets(name, changes) => {
            worker.alter_offsets(&name, changes).await?;
            reply::json(&shape::message("The offsets for this connector have been altered successfully"))
        }
        Call::ResetOffsets(name) => {
            worker.reset_offsets(&name).await?;
            reply::json(&shape::message("The offsets for this connector have been reset successfully"))
        }
        Call::Loggers => reply::json(&shape::loggers(&worker.loggers())),
        Call::Logger(name) => reply::json(&shape::logger(&worker.logger(&name)?)),
        Call::SetLogger(change) => set_logger(worker, &change).await?,
        Call::Plugins { connectors_only } => reply::json(&shape::plugins(&worker.plugins(connectors_only))),
        Call::PluginSettings { class, version } => {
            reply::json(&worker.plugin_settings(&class, version.as_deref())?)
        }
        Call::Validate(class, config) => reply::json(&worker.validate(class, config).await?),
        Call::Preview(Previewed { config, records }) => reply::json(&worker.preview(config, records).await?),
        Call::Ask(Question { class, name, body: Asked { config, input } }) => {
            reply::json(&worker.ask_plugin(class, name, config, input).await?)
        }
    })
}

fn done(status: StatusCode, outcome: Result<(), Refusal>) -> Result<Response, Fault> {
    outcome?;
    Ok(reply::empty(status))
}

async fn set_logger(worker: &Handle, change: &LoggerChange) -> Result<Response, Fault> {
    let LoggerChange { name, level, is_for_cluster } = change;
    if *is_for_cluster {
        return done(StatusCode::NO_CONTENT, worker.set_cluster_logger(name, level).await);
    }
    Ok(reply::json(&worker.set_logger(name, level)?.into()))
}

async fn health(worker: &Handle) -> Response {
    let (status, word, message) = match worker.health().await {
        Ok(()) => {
            let message = "Worker has completed startup and is ready to handle requests.";
            (StatusCode::OK, "healthy", message.to_owned())
        }
        Err((message, true)) => (StatusCode::SERVICE_UNAVAILABLE, "starting", message),
        Err((message, false)) => (StatusCode::INTERNAL_SERVER_ERROR, "unhealthy", message),
    };
    reply::json_as(status, &json!({ "status": word, "message": message }))
}

/// The text is valid in both formats; a client that names neither wants the older one.
fn metrics(worker: &Handle, is_openmetrics: bool) -> Response {
    let content_type = if is_openmetrics {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    reply::text(content_type, worker.metrics())
}

async fn expanded(worker: &Handle, details: &[Detail]) -> Result<Response, Fault> {
    let all = worker.all().await?;
    let all: Map<String, Value> =
        all.iter().map(|(info, status)| (info.name.clone(), expand(info, status, details))).collect();
    Ok(reply::json(&all.into()))
}

fn expand(info: &ConnectorInfo, status: &ConnectorStatus, details: &[Detail]) -> Value {
    let detail = |detail: &Detail| match detail {
        Detail::Info => ("info".to_owned(), shape::info(info)),
        Detail::Status => ("status".to_owned(), shape::status(status)),
    };
    details.iter().map(detail).collect::<Map<_, _>>().into()
}

async fn create(site: &Site, creation: Creation) -> Result<Response, Fault> {
    let info = site.handle.create(&creation.name, creation.config, creation.target).await?;
    Ok(reply::created(&site.advertised, &info.name, &shape::info(&info)))
}

async fn put_config(site: &Site, name: &str, config: Properties) -> Result<Response, Fault> {
    let (is_new, info) = site.handle.put_config(name, config).await?;
    let document = shape::info(&info);
    Ok(if is_new { reply::created(&site.advertised, name, &document) } else { reply::json(&document) })
}

async fn task_status(worker: &Handle, task: &Task) -> Result<Response, Fault> {
    let Ok(number) = u32::try_from(task.number) else {
        let message = format!("No status found for task {}-{}", task.connector, task.number);
        return Err(Fault::new(StatusCode::NOT_FOUND, message));
    };
    let status = worker.task_status(&task.connector, number).await?;
    Ok(reply::json(&shape::task_status(number, &status)))
}

async fn restart_task(worker: &Handle, task: &Task) -> Result<Response, Fault> {
    let Task { connector, number } = task;
    let outcome = match u32::try_from(*number) {
        Ok(number) => worker.restart_task(connector, number).await,
        Err(_) => Err(Refusal::NotFound(match worker.info(connector).await {
            Ok(_) => format!("Unknown task: {connector}-{number}"),
            Err(_) => format!("Unknown connector: {connector}"),
        })),
    };
    done(StatusCode::NO_CONTENT, outcome)
}

/// Without flags nobody expects a document; with one, clients show it.
async fn restart_all(worker: &Handle, name: &str, restart: Restart) -> Result<Response, Fault> {
    let status = worker.restart(name, restart).await?;
    Ok(if restart.include_tasks || restart.only_failed {
        reply::json_as(StatusCode::ACCEPTED, &shape::status(&status))
    } else {
        reply::empty(StatusCode::NO_CONTENT)
    })
}
