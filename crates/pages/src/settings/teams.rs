//! Teams: who holds roles in deployments together.

use askama::Template;
use countersign_control::access::actions::ViewTeams;
use countersign_control::teams::Team;

use crate::frame::{self, Answer, Frame};
use crate::parts::When;
use crate::visit::{Tab, Visit};

#[derive(Template)]
#[template(path = "teams.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    name: String,
    description: String,
    created: When,
}

impl Row {
    fn new(it: &Team) -> Self {
        Self {
            name: it.name.clone(),
            description: it.description.clone().unwrap_or_default(),
            created: When::new(it.created_at),
        }
    }
}

/// The list.
pub(crate) async fn show(visit: Visit) -> Answer {
    let teams = visit.control().teams(&visit.may::<ViewTeams>()?).await?;
    frame::show(&Page { frame: visit.settings(Tab::Teams, "Teams"), rows: teams.iter().map(Row::new).collect() })
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_a_team_is_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let (name, description) = ((*text).to_owned(), (*text).to_owned());
            let row = Row { name, description, created: When::new(Timestamp::EPOCH) };
            let page = Page { frame: Frame::plain("Teams", &seen), rows: vec![row] };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
