//! What the audit log tells of a time.

use std::time::Duration;

use countersign_control::access::actions::{ViewAudit, ViewInstance};
use countersign_control::audit::{Event, Export, Period, Wanted};
use countersign_control::{MAX_PAGE, PageRequest};
use countersign_domain::Timestamp;
use countersign_domain::id::AuditEventId;
use countersign_testkit::World;

use crate::acting::{field_of, may, token};
use crate::audit_chain::write_rows;

pub const CASES: &[crate::run::Case] = crate::list::cases!["audit_period"
    a_time_begins_with_its_first_moment_and_ends_before_its_last,
    a_long_time_comes_in_parts_however_it_is_read,
    a_time_that_ends_before_it_begins_is_refused,
];

const MICROSECOND: Duration = Duration::from_micros(1);

fn period(from: Option<Timestamp>, until: Option<Timestamp>) -> Period {
    Period { from, until }
}

/// The ids of what is told of a time, newest first, read in each of the ways that there are: all of them tell the same.
async fn told(world: &World, period: Period) -> Vec<AuditEventId> {
    let control = &world.control;
    let ids = |events: &[Event]| events.iter().map(|it| it.id.cast()).collect::<Vec<AuditEventId>>();
    let mut ways = Vec::new();
    for limit in [2, MAX_PAGE] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = PageRequest { after, limit };
            let part = control.audit_events(&world.admin::<ViewAudit>(), period, page).await.expect("a log");
            listed.extend(ids(&part.items));
            after = listed.last().copied();
            if !part.has_more {
                break;
            }
        }
        ways.push(listed);
        for action in [None, Some(String::new())] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let wanted = Wanted { period, action: action.clone(), ..Wanted::default() };
                let page = PageRequest { after, limit };
                let part = control.search_audit_events(&world.admin::<ViewAudit>(), wanted, page).await;
                let part = part.expect("a log");
                found.extend(ids(&part.items));
                after = part.next;
                if after.is_none() {
                    break;
                }
            }
            ways.push(found);
        }
    }
    let of = world.acme.created.organization.id;
    let (mut own, mut operators) = (Vec::new(), Vec::new());
    let mut from = Some(Export::Happened { period, after: None });
    while let Some(place) = from {
        let part = control.export_own_audit(&world.admin(), place).await.expect("a part");
        own.extend(ids(&part.items));
        from = part.next;
    }
    let grant = may::<ViewInstance>(control, &world.operator);
    let mut from = Some(Export::Happened { period, after: None });
    while let Some(place) = from {
        let part = control.export_audit(&grant, of, place).await.expect("a part");
        operators.extend(ids(&part.items));
        from = part.next;
    }
    let (mut newest, mut has_more) = (Vec::new(), true);
    while has_more {
        let page = PageRequest { after: newest.last().copied(), limit: MAX_PAGE };
        let part = control.audit_events_of(&grant, of, period, page).await.expect("a page");
        newest.extend(ids(&part.items));
        has_more = part.has_more;
    }
    ways.push(newest);
    own.reverse();
    operators.reverse();
    ways.extend([own, operators]);
    let first = ways.swap_remove(0);
    for way in ways {
        assert_eq!(way, first, "{period:?}");
    }
    first
}

pub async fn a_time_begins_with_its_first_moment_and_ends_before_its_last(world: &World) {
    let control = &world.control;
    // Three rows within one millisecond, of which an id tells no more, and two beside it.
    let mut made: Vec<(Timestamp, AuditEventId)> = Vec::new();
    for wait in [Duration::from_secs(60), Duration::from_millis(3), MICROSECOND, MICROSECOND, Duration::from_millis(2)]
    {
        world.clock.advance(wait);
        token(world, countersign_control::agent_tokens::NewAgentToken::default()).await;
        let page = control
            .audit_events(&world.admin::<ViewAudit>(), Period::default(), PageRequest::first(9))
            .await
            .expect("a log");
        // The highest id of a millisecond need not be the newest.
        let row = page.items.iter().find(|it| it.occurred_at == control.now()).expect("the row of this token");
        made.push((row.occurred_at, row.id.cast()));
    }
    let later = Timestamp::from_micros(made[0].0.as_micros() - 1);
    for (first, (from, _)) in made.iter().enumerate() {
        for (end, (until, _)) in made.iter().enumerate().skip(first + 1) {
            let mut expected: Vec<_> = made[first..end].iter().map(|it| it.1).collect();
            // Ids of one millisecond are in no order of time.
            expected.sort_unstable_by(|one, other| other.cmp(one));
            assert_eq!(told(world, period(Some(*from), Some(*until))).await, expected, "{first} {end}");
        }
    }
    assert_eq!(told(world, period(Some(later), None)).await.len(), made.len());
    let before = told(world, period(None, Some(made[0].0))).await;
    assert!(!before.is_empty() && !before.contains(&made[0].1), "what was made with the organization");
    assert_eq!(told(world, Period::default()).await.len(), before.len() + made.len());
    let to_come = Timestamp::from_micros(control.now().as_micros() + 1);
    assert_eq!(told(world, period(Some(to_come), None)).await, []);
}

pub async fn a_long_time_comes_in_parts_however_it_is_read(world: &World) {
    let control = &world.control;
    let of = world.acme.created.organization.id;
    write_rows(control, of, 7).await;
    world.clock.advance(Duration::from_secs(1));
    let from = control.now();
    write_rows(control, of, 607).await;
    control.seal_audit().await.expect("sealed");
    write_rows(control, of, 5).await;
    world.clock.advance(Duration::from_secs(1));
    let until = control.now();
    write_rows(control, of, 9).await;
    assert_eq!(told(world, period(Some(from), Some(until))).await.len(), 612, "sealed or not");
}

pub async fn a_time_that_ends_before_it_begins_is_refused(world: &World) {
    let control = &world.control;
    let now = control.now();
    let earlier = now.minus(MICROSECOND);
    let grant = || world.admin::<ViewAudit>();
    let of = world.acme.created.organization.id;
    let all = PageRequest::first(9);
    for period in [period(Some(now), Some(now)), period(Some(now), Some(earlier))] {
        let wanted = Wanted { period, ..Wanted::default() };
        assert_eq!(field_of(control.audit_events(&grant(), period, all).await), "until");
        assert_eq!(field_of(control.search_audit_events(&grant(), wanted, all).await), "until");
        assert_eq!(field_of(control.export_own_audit(&grant(), Export::of(period)).await), "until");
        let operator = may::<ViewInstance>(control, &world.operator);
        assert_eq!(field_of(control.export_audit(&operator, of, Export::of(period)).await), "until");
        assert_eq!(field_of(control.audit_events_of(&operator, of, period, all).await), "until");
    }
}
