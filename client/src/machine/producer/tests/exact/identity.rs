//! How a producer comes to its identity, and to another one.

use super::*;

#[test]
fn when_the_broker_has_forgotten_the_producer_it_starts_again_in_the_next_epoch() {
    for code in [ErrorCode::UnknownProducerId, ErrorCode::OutOfOrderSequenceNumber] {
        let mut single = Single::connected(options());
        let sent = [single.send(0), single.send(0)];
        let other = single.send(1);
        single.refuse(&sent[0], code);
        assert_eq!(single.sent(), [], "the second attempt may still be answered");
        single.refuse(&sent[1], code);
        let first = single.sent();
        assert_eq!(numbers(&first), [(1, 0)], "a run begins with one batch");
        single.succeed(&first[0], 1);
        let second = single.sent();
        assert_eq!(numbers(&second), [(1, 1)]);
        single.succeed(&second[0], 2);
        // What is under way elsewhere keeps its epoch, and the next batch there begins the new one.
        single.succeed(&other, 0);
        assert_eq!(numbers(&[single.send(1)]), [(1, 0)]);
        let outcomes = single.outcomes();
        assert!(outcomes.len() == 3 && outcomes.iter().all(|(_, outcome)| outcome.is_ok()));
    }
}

#[test]
fn a_fenced_producer_takes_another_identity() {
    let mut single = Single::connected(options());
    let sent = single.send(0);
    single.refuse(&sent, ErrorCode::InvalidProducerEpoch);
    assert!(matches!(single.actions[..], [ProducerAction::RequestIdentity]), "{:?}", single.actions);
    single.actions.clear();
    let id = ProducerId::new(8).unwrap();
    single.step(ProducerEvent::IdentityGiven(ProducerIdentity { id, ..identity(0) }));
    assert_eq!(numbers(&single.sent()), [(0, 0)]);
}

#[test]
fn a_refused_identity_fails_what_waits_for_it_and_the_next_record_asks_again() {
    let mut single = Single::new(options());
    single.append(0);
    single.step(ProducerEvent::FlushRequested);
    assert!(matches!(single.actions[..], [ProducerAction::RequestIdentity]), "{:?}", single.actions);
    single.actions.clear();
    single.step(ProducerEvent::IdentityRefused(Refusal::from(ErrorCode::ClusterAuthorizationFailed)));
    let outcomes = single.outcomes();
    assert!(matches!(outcomes[..], [(_, Err(DeliveryError::NoIdentity { .. }))]), "{outcomes:?}");
    single.append(0);
    single.step(ProducerEvent::FlushRequested);
    assert!(matches!(single.actions[..], [ProducerAction::RequestIdentity]), "{:?}", single.actions);
    single.step(ProducerEvent::IdentityLost);
    let due = single.core.next_wakeup().unwrap();
    assert!(due.since(single.now) < 20 * MS);
    single.actions.clear();
    single.pass(20 * MS);
    assert!(matches!(single.actions[..], [ProducerAction::RequestIdentity]), "{:?}", single.actions);
}

#[test]
fn records_that_waited_too_long_for_an_identity_say_why_there_was_none() {
    let mut single = Single::new(options());
    single.append(0);
    single.step(ProducerEvent::FlushRequested);
    let refused = Refusal::new(WireCode(ErrorCode::KafkaStorageError.code()), Some("storage has failed"));
    single.step(ProducerEvent::IdentityRefused(refused));
    single.pass(20 * MS);
    // Nobody answers the second time: that says less than what is known.
    single.step(ProducerEvent::IdentityLost);
    single.pass(Duration::from_secs(120));
    let outcomes = single.outcomes();
    let [(_, Err(error))] = &outcomes[..] else { panic!("it is out of time: {outcomes:?}") };
    let said = "not delivered within 120s; the last answer was KAFKA_STORAGE_ERROR (56): storage has failed";
    assert_eq!((error.fate(), error.to_string()), (Fate::NotAppended, said.to_owned()));
    // With an identity, what times out later has other reasons.
    single.append(0);
    single.step(ProducerEvent::FlushRequested);
    single.step(ProducerEvent::IdentityGiven(identity(0)));
    single.append(1);
    single.pass(Duration::from_secs(120));
    let outcomes = single.outcomes();
    let is_without_reason = |(_, outcome): &(_, Result<_, DeliveryError>)| {
        matches!(outcome, Err(DeliveryError::TimedOut { last: None, .. }))
    };
    assert!(!outcomes.is_empty() && outcomes.iter().all(is_without_reason), "{outcomes:?}");
}
