import Testing

/// Failures of other queue-based systems, reproduced with a worker of Wharf's on a real RabbitMQ and a real PostgreSQL: for each
/// fault reported elsewhere, a test that shows what Wharf does.
///
/// | fault, and where it was seen | tests |
/// | --- | --- |
/// | a publish hangs on a frozen broker | `Frozen broker`; AMQPTests, RecoveryTests |
/// | a memory alarm in mid checkout | WharfTests, `Alarms`; AMQPTests, RecoveryTests |
/// | a memory alarm outlasts the delivery limit (messages buried for their neighbours' sake) | `Memory alarm` |
/// | the answer to a COMMIT is lost (the client learns that nothing was done) | `Lost commit` |
/// | a binding is lost, and messages routed by it are acknowledged all the same (rabbitmq-server 12403) | `Lost binding` |
/// | a connection drops with open confirms (rabbitmq-c 362) | `Dropped connections`; AMQPTests, RecoveryTests |
/// | outputs are marked as sent too early | `Outputs` |
/// | messages being flushed are lost on reconnect (MassTransit 2060) | `Dropped connections` |
/// | a republished `x-death` (celery 9867) | `Republished x-death` |
/// | a message that kills its worker takes its prefetch neighbours | `Killer message` |
/// | the acknowledgement timeout (celery 6760) | `Acknowledgement timeout` |
/// | a deleted queue leaves a deaf consumer (rabbitmq-c 870) | `Deaf consumers`; AMQPTests, RecoveryTests |
/// | reconnected, but not consuming (celery 3201) | `Deaf consumers`; AMQPTests, RecoveryTests |
/// | the dead letters' queue is full | `Full dead letters` |
/// | a full queue of queries drops them silently, and callers wait for their deadline | `Full query queues`; WharfTests, `Full queues` |
/// | a stalled worker comes back after its message went to another (bullmq 439) | `Stalled worker` |
/// | a replay that deletes, and never lands | `Lost replay` |
/// | a broker is killed right after queues were declared | `Young queues` |
///
/// Failures of other shops, which need the whole of Wharf, are in WharfTests, `Faults of other shops`.
///
/// One after another: they stop and freeze the one broker that they share.
@Suite(.serialized, .timeLimit(.minutes(5)))
enum Faults {}
