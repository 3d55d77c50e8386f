//! Meta-data of a job's build. `…/jobs/:id/…` and `…/builds/:id/…` name the same words.

use axum::Json;
use axum::extract::State;
use countersign_control::access::actions::{ReadMetaData, WriteMetaData};
use countersign_control::{Control, Error, Grant};
use countersign_http as face;
use countersign_wire::buildkite::{DataExists, DataGet, DataKey, DataSet, DataSetBatch};

use crate::{Done, Failure, OnBuild, OnJob};

/// `POST /jobs/:id/data/set`
pub(crate) async fn set(
    State(control): State<Control>,
    OnJob(grant): OnJob<WriteMetaData>,
    face::Json(DataSet { key, value }): face::Json<DataSet>,
) -> Result<Done, Failure> {
    control.set_meta_data(&grant, key, value).await?;
    Ok(Done {})
}

/// `POST /jobs/:id/data/set-batch`: all or nothing
pub(crate) async fn set_batch(
    State(control): State<Control>,
    OnJob(grant): OnJob<WriteMetaData>,
    face::Json(DataSetBatch { items }): face::Json<DataSetBatch>,
) -> Result<Done, Failure> {
    let items = items.into_iter().map(|DataSet { key, value }| (key, value)).collect();
    control.set_meta_data_batch(&grant, items).await?;
    Ok(Done {})
}

/// `POST /jobs/:id/data/get`
pub(crate) async fn get_for_job(
    State(control): State<Control>,
    OnJob(grant): OnJob<ReadMetaData>,
    face::Json(asked): face::Json<DataKey>,
) -> Result<Json<DataGet>, Failure> {
    value(&control, &grant, asked).await
}

/// `POST /builds/:id/data/get`
pub(crate) async fn get_for_build(
    State(control): State<Control>,
    OnBuild(grant): OnBuild<ReadMetaData>,
    face::Json(asked): face::Json<DataKey>,
) -> Result<Json<DataGet>, Failure> {
    value(&control, &grant, asked).await
}

/// `POST /jobs/:id/data/exists`
pub(crate) async fn exists_for_job(
    State(control): State<Control>,
    OnJob(grant): OnJob<ReadMetaData>,
    face::Json(asked): face::Json<DataKey>,
) -> Result<Json<DataExists>, Failure> {
    exists(&control, &grant, asked).await
}

/// `POST /builds/:id/data/exists`
pub(crate) async fn exists_for_build(
    State(control): State<Control>,
    OnBuild(grant): OnBuild<ReadMetaData>,
    face::Json(asked): face::Json<DataKey>,
) -> Result<Json<DataExists>, Failure> {
    exists(&control, &grant, asked).await
}

/// `POST /jobs/:id/data/keys`
pub(crate) async fn keys_for_job(
    State(control): State<Control>,
    OnJob(grant): OnJob<ReadMetaData>,
) -> Result<Json<Vec<String>>, Failure> {
    Ok(Json(control.meta_data_keys(&grant).await?))
}

/// `POST /builds/:id/data/keys`
pub(crate) async fn keys_for_build(
    State(control): State<Control>,
    OnBuild(grant): OnBuild<ReadMetaData>,
) -> Result<Json<Vec<String>>, Failure> {
    Ok(Json(control.meta_data_keys(&grant).await?))
}

async fn value(
    control: &Control,
    grant: &Grant<ReadMetaData>,
    DataKey { key }: DataKey,
) -> Result<Json<DataGet>, Failure> {
    let value = control.get_meta_data(grant, key.clone()).await?;
    Ok(Json(DataGet { key, value }))
}

/// An unset key is no error here: agents ask again and again after a 404.
async fn exists(
    control: &Control,
    grant: &Grant<ReadMetaData>,
    DataKey { key }: DataKey,
) -> Result<Json<DataExists>, Failure> {
    match control.get_meta_data(grant, key).await {
        Ok(_) => Ok(Json(DataExists { exists: true })),
        Err(Error::NotFound(_)) => Ok(Json(DataExists { exists: false })),
        Err(error) => Err(error.into()),
    }
}
