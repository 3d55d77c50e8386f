//! Shapes of answers that the commands look into. What they only show stays JSON.

use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Exit, Failure, Outcome};

/// A list with its page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection<T> {
    edges: Option<Vec<Option<Edge<T>>>>,
    page_info: Option<PageInfo>,
}

#[derive(Debug, Deserialize)]
struct Edge<T> {
    node: Option<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    #[serde(default)]
    end_cursor: Option<String>,
}

impl<T> Connection<T> {
    /// The entries.
    #[must_use]
    pub fn into_nodes(self) -> Vec<T> {
        self.edges.into_iter().flatten().flatten().filter_map(|edge| edge.node).collect()
    }

    /// What the next page is behind; none for the last page.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        self.page_info.as_ref().filter(|page| page.has_next_page)?.end_cursor.clone()
    }

    /// Whether there are more entries than these.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.page_info.as_ref().is_some_and(|page| page.has_next_page)
    }
}

/// Whoever calls, with the one organization that their token is for.
#[derive(Debug, Deserialize)]
pub struct Viewer<T> {
    viewer: Option<ViewerNode<T>>,
}

#[derive(Debug, Deserialize)]
struct ViewerNode<T> {
    user: Option<Person>,
    organizations: Option<Connection<T>>,
}

/// A person.
#[derive(Debug, Deserialize)]
pub struct Person {
    /// Their address.
    pub email: String,
}

impl<T> Viewer<T> {
    /// Who calls, if they were asked for.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        Some(self.viewer.as_ref()?.user.as_ref()?.email.as_str())
    }

    /// The organization.
    ///
    /// # Errors
    /// The token is for none.
    pub fn into_organization(self) -> Outcome<T> {
        let organizations = self.viewer.and_then(|viewer| viewer.organizations).map(Connection::into_nodes);
        organizations
            .and_then(|all| all.into_iter().next())
            .ok_or_else(|| Failure::new(Exit::Denied, "this token is for no organization; use a user token"))
    }
}

/// A text of an object; empty when it is null or not there.
#[must_use]
pub fn text<'a>(node: &'a Value, field: &str) -> &'a str {
    node[field].as_str().unwrap_or_default()
}

/// A part of an answer that must be there.
///
/// # Errors
/// It is null.
pub fn there(value: Option<Value>, what: &str) -> Outcome<Value> {
    value.filter(|value| !value.is_null()).ok_or_else(|| Failure::new(Exit::NotFound, format!("no {what} found")))
}
