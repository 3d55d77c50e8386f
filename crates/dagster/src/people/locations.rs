//! Code locations, as people's commands set, remove and look at them.

use async_graphql::{Enum, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Union, Value};
use countersign_control::access::actions::{EditCodeLocations, ViewCodeLocations};
use countersign_control::code_locations::{CodeLocation, NewLocation, state};
use countersign_control::{Error, Result};
use countersign_domain::dagster::LocationState;
use serde_json::{Value as Json, json};

use crate::call::Call;
use crate::workspace::WorkspaceEntry;

use super::deployments;
use super::location_document::{document, in_document, read};
use super::problem::{Problem, PythonError, UnauthorizedError, results};
use super::workspace::entry;

results! {
    /// What is to be loaded in a deployment and where each stands, or why that is not shown.
    WorkspaceOrError of Workspace;
    /// That a code location was removed, or why not.
    DeleteLocationResult of DeleteLocationSuccess;
}

/// Any JSON.
#[derive(Debug)]
pub(crate) struct GenericScalar(pub(super) Json);

#[Scalar(name = "GenericScalar")]
impl ScalarType for GenericScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        value.into_json().map(Self).map_err(|_| InputValueError::custom("must be JSON"))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// A code location that was set, or why not.
#[derive(Union)]
pub(crate) enum AddOrUpdateLocationResult {
    WorkspaceEntry(WorkspaceEntry),
    InvalidLocationError(InvalidLocationError),
    UnauthorizedError(UnauthorizedError),
    PythonError(PythonError),
}

/// A document that says of no code location how it is loaded.
#[derive(Debug, SimpleObject)]
pub(crate) struct InvalidLocationError {
    /// What is wrong with it.
    errors: Vec<String>,
}

/// A code location that was removed.
#[derive(Debug, SimpleObject)]
pub(crate) struct DeleteLocationSuccess {
    /// Its name.
    location_name: String,
}

/// What is to be loaded in a deployment.
#[derive(SimpleObject)]
pub(crate) struct Workspace {
    /// Each code location, by name.
    location_entries: Vec<WorkspaceLocationEntry>,
}

/// A code location, and where it stands.
#[derive(SimpleObject)]
pub(crate) struct WorkspaceLocationEntry {
    /// Its name.
    name: String,
    /// Whether an agent has told of it since it was last changed.
    load_status: RepositoryLocationLoadStatus,
    /// What it told.
    location_or_load_error: Option<RepositoryLocationOrLoadError>,
}

/// Whether an agent has told of a code location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RepositoryLocationLoadStatus {
    /// None has since it was last changed.
    Loading,
    /// It was loaded, or could not be.
    Loaded,
}

/// What an agent told of a code location.
#[derive(Union)]
pub(crate) enum RepositoryLocationOrLoadError {
    RepositoryLocation(RepositoryLocation),
    PythonError(PythonError),
}

/// A code location that was loaded.
#[derive(Debug, SimpleObject)]
pub(crate) struct RepositoryLocation {
    /// Its name.
    name: String,
}

/// The code locations of a deployment as one document.
#[derive(Debug, SimpleObject)]
pub(crate) struct LocationsAsDocument {
    /// `locations`, each as it could be set with.
    document: GenericScalar,
}

impl AddOrUpdateLocationResult {
    /// # Errors
    /// What concerns the whole call.
    pub(crate) fn of(outcome: Result<WorkspaceEntry>) -> async_graphql::Result<Self> {
        let error = match outcome {
            Ok(it) => return Ok(Self::WorkspaceEntry(it)),
            Err(error) => error,
        };
        if let Error::Invalid(_) = &error {
            return Ok(Self::InvalidLocationError(InvalidLocationError { errors: vec![error.to_string()] }));
        }
        Ok(match Problem::of(error)? {
            Problem::Unauthorized(it) => Self::UnauthorizedError(it),
            Problem::Python(it) => Self::PythonError(it),
            Problem::NotFound(message) => Self::PythonError(Problem::python(message, "NotFound")),
        })
    }
}

/// Sets a code location of the deployment that the call is about.
pub(crate) async fn set(call: &Call, asked: &GenericScalar) -> Result<WorkspaceEntry> {
    // Whoever may not is told so before what is wrong with the document.
    let grant = call.control.grant_own::<EditCodeLocations>(&call.caller)?;
    let (name, definition) = read(&asked.0)?;
    let deployment = deployments::current(call).await?.id();
    let new = NewLocation { deployment, name, definition, may_exist: true };
    let set = call.control.set_code_location(&grant, new).await.map_err(in_document)?;
    Ok(WorkspaceEntry::from(entry(set.location)))
}

/// Removes one.
pub(crate) async fn remove(call: &Call, name: &str) -> Result<DeleteLocationSuccess> {
    let grant = call.control.grant_own::<EditCodeLocations>(&call.caller)?;
    let deployment = deployments::current(call).await?.id();
    let removed = call.control.remove_code_location(&grant, deployment, name).await?;
    Ok(DeleteLocationSuccess { location_name: removed.name })
}

/// Where each stands.
pub(crate) async fn workspace(call: &Call) -> Result<Workspace> {
    Ok(Workspace { location_entries: all(call).await?.into_iter().map(stands).collect() })
}

/// All of them as one document.
pub(crate) async fn as_document(call: &Call) -> Result<LocationsAsDocument> {
    let all: Vec<Json> = all(call).await?.iter().map(|it| document(&it.name, &it.definition)).collect();
    Ok(LocationsAsDocument { document: GenericScalar(json!({ "locations": all })) })
}

/// Those of the deployment that the call is about.
pub(super) async fn all(call: &Call) -> Result<Vec<CodeLocation>> {
    let deployment = deployments::current(call).await?.id();
    let grant = call.control.grant_own::<ViewCodeLocations>(&call.caller)?;
    call.control.code_locations(&grant, deployment).await
}

fn stands(it: CodeLocation) -> WorkspaceLocationEntry {
    let (load_status, told) = match state(&it) {
        LocationState::Waiting => (RepositoryLocationLoadStatus::Loading, None),
        LocationState::Loaded => {
            let loaded = RepositoryLocation { name: it.name.clone() };
            (RepositoryLocationLoadStatus::Loaded, Some(RepositoryLocationOrLoadError::RepositoryLocation(loaded)))
        }
        LocationState::Failed => {
            let error = Problem::python(it.error.unwrap_or_default(), "LoadError");
            (RepositoryLocationLoadStatus::Loaded, Some(RepositoryLocationOrLoadError::PythonError(error)))
        }
    };
    WorkspaceLocationEntry { name: it.name, load_status, location_or_load_error: told }
}
