use std::time::Duration;

use countersign_domain::id::Id;

use super::*;

fn agent(number: u8) -> AgentId {
    Id::from_bytes([number; 16])
}

fn line(queue: &str) -> Line {
    Line { organization: Id::nil(), deployment: Id::nil(), queue: queue.to_owned() }
}

fn anyone() -> Fits {
    Arc::new(|_: &[String]| true)
}

fn profile(priority: i64, tags: &[&str]) -> Profile {
    Profile { priority, tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()) }
}

/// A place of an agent that has looked and found nothing.
fn idle(wakeups: &Wakeups, number: u8, of: &Profile) -> Place {
    let place = wakeups.take_place(agent(number), line("q")).expect("there is room");
    place.about_to_look();
    place.idle(of);
    place
}

async fn heard(place: &Place) -> Option<Woken> {
    tokio::time::timeout(Duration::from_millis(20), place.woken()).await.ok()
}

#[tokio::test]
async fn as_many_are_woken_as_there_are_jobs_preferred_ones_and_longest_waiting_first() {
    let wakeups = Wakeups::new(100);
    let places =
        [(1, 0), (2, 5), (3, 0), (4, 5)].map(|(number, priority)| idle(&wakeups, number, &profile(priority, &[])));
    wakeups.jobs_waiting(&line("other"), 4, &anyone());
    wakeups.jobs_waiting(&line("q"), 3, &anyone());
    let mut woken = Vec::new();
    for place in &places {
        woken.push(heard(place).await.is_some());
    }
    assert_eq!(woken, [true, true, false, true]);
    // Those who were called are not called twice, and the next job is for the one that is left.
    wakeups.jobs_waiting(&line("q"), 1, &anyone());
    assert_eq!(heard(&places[2]).await, Some(Woken::ByJob));
}

#[tokio::test]
async fn whoever_finds_nothing_keeps_its_place_and_wakes_nobody() {
    let wakeups = Wakeups::new(100);
    let (first, second) = (idle(&wakeups, 1, &profile(0, &[])), idle(&wakeups, 2, &profile(0, &[])));
    for _ in 0..3 {
        wakeups.jobs_waiting(&line("q"), 1, &anyone());
        assert_eq!(heard(&first).await, Some(Woken::ByJob));
        first.about_to_look();
        first.idle(&profile(0, &[]));
        assert_eq!(heard(&second).await, None);
    }
}

#[tokio::test]
async fn a_call_is_handed_on_by_who_leaves_or_cannot_take_it() {
    let wakeups = Wakeups::new(100);
    let [first, second, third] = [1, 2, 3].map(|number| idle(&wakeups, number, &profile(0, &[])));
    wakeups.jobs_waiting(&line("q"), 1, &anyone());
    drop(first);
    assert_eq!(heard(&second).await, Some(Woken::ByJob));
    second.about_to_look();
    second.busy(false);
    assert_eq!(heard(&third).await, Some(Woken::ByJob));
    third.about_to_look();
    third.busy(true);
    assert_eq!(heard(&second).await, None);
    // One that took a job has left the line.
    wakeups.jobs_waiting(&line("q"), 3, &anyone());
    assert_eq!((heard(&second).await, heard(&third).await), (None, None));
}

#[tokio::test]
async fn what_is_said_during_a_look_is_heard_after_it() {
    let wakeups = Wakeups::new(100);
    let place = wakeups.take_place(agent(1), line("q")).expect("there is room");
    place.about_to_look();
    wakeups.jobs_waiting(&line("q"), 1, &anyone());
    place.idle(&profile(0, &[]));
    assert_eq!(heard(&place).await, Some(Woken::ByJob));
    place.about_to_look();
    wakeups.agent_changed(agent(1));
    place.idle(&profile(0, &[]));
    assert_eq!(heard(&place).await, Some(Woken::ByAgent));
    // It stands in its line all the same.
    place.about_to_look();
    wakeups.jobs_waiting(&line("q"), 1, &anyone());
    assert_eq!(heard(&place).await, Some(Woken::ByJob));
}

#[tokio::test]
async fn only_agents_that_fit_are_woken() {
    let wakeups = Wakeups::new(100);
    let mac: Fits = Arc::new(|tags: &[String]| tags.iter().any(|tag| tag == "os=mac"));
    let (linux, apple) = (idle(&wakeups, 1, &profile(9, &["os=linux"])), idle(&wakeups, 2, &profile(0, &["os=mac"])));
    wakeups.jobs_waiting(&line("q"), 2, &mac);
    assert_eq!((heard(&linux).await, heard(&apple).await), (None, Some(Woken::ByJob)));
    let later = idle(&wakeups, 3, &profile(0, &["os=mac"]));
    drop(apple);
    assert_eq!((heard(&linux).await, heard(&later).await), (None, Some(Woken::ByJob)));
}

#[tokio::test]
async fn a_change_of_an_agent_reaches_it_alone() {
    let wakeups = Wakeups::new(100);
    let (one, other) = (idle(&wakeups, 1, &profile(0, &[])), idle(&wakeups, 2, &profile(0, &[])));
    wakeups.agent_changed(agent(1));
    wakeups.agent_changed(agent(9));
    assert_eq!((heard(&one).await, heard(&other).await), (Some(Woken::ByAgent), None));
}

#[tokio::test]
async fn room_is_bounded_an_agents_oldest_place_ends_and_nothing_is_left_behind() {
    let wakeups = Wakeups::new(4);
    let [first, second] = [(); 2].map(|()| idle(&wakeups, 1, &profile(0, &[])));
    let third = idle(&wakeups, 1, &profile(0, &[]));
    assert_eq!((heard(&first).await, heard(&second).await), (Some(Woken::Replaced), None));
    let fourth = idle(&wakeups, 2, &profile(0, &[]));
    assert!(wakeups.take_place(agent(3), line("q")).is_none());
    drop(first);
    let fifth = idle(&wakeups, 3, &profile(0, &[]));
    wakeups.close();
    for place in [&second, &third, &fourth, &fifth] {
        place.about_to_look();
        assert_eq!(heard(place).await, Some(Woken::Closed));
    }
    drop((second, third, fourth, fifth));
    assert!(wakeups.take_place(agent(4), line("q")).is_none(), "no new ones once it stops");
    let board = wakeups.board();
    assert!(board.places.is_empty() && board.agents.is_empty() && board.lines.is_empty());
}

#[tokio::test]
async fn no_organization_keeps_another_from_waiting() {
    let wakeups = Wakeups::new(4);
    let of = |organization: u8| Line { organization: Id::from_bytes([organization; 16]), ..line("q") };
    let mut large: Vec<Place> = (0..4)
        .map(|number| wakeups.take_place(agent(number), of(1)).expect("one that is alone may have all"))
        .collect();
    assert!(wakeups.take_place(agent(4), of(1)).is_none(), "and no more");
    let small = wakeups.take_place(agent(10), of(2)).expect("another gets a place");
    assert_eq!((heard(&large[0]).await, heard(&large[1]).await), (Some(Woken::Replaced), None), "the oldest gives way");
    assert!(wakeups.take_place(agent(11), of(2)).is_none(), "not before that one has left");
    drop(large.remove(0));
    let second = wakeups.take_place(agent(11), of(2)).expect("there are two of each now");
    assert_eq!(heard(&large[0]).await, Some(Woken::Replaced));
    drop(large.remove(0));
    assert!(wakeups.take_place(agent(12), of(2)).is_none(), "nobody gives way to one that has as many");
    drop((small, second, large));
    assert_eq!(wakeups.waiting(), 0);
    assert!(wakeups.board().organizations.is_empty());
}
