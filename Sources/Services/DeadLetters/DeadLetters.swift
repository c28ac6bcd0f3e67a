import Contracts
public import Messaging
public import PostgreSQL
import Runtime
public import WebClient

/// Dead letters: messages that could not be handled, kept visible with their causes until an administrator replays or discards them.
///
/// ``DeadLetterCollector`` stores them; these operations are for administrators.
public enum DeadLettersService {
    public static let name = "deadletters"
    public static let migrations = Inbox.migrations + Schema.migrations + Schema.jobs + [Schema.alerts, Schema.waiting, Schema.auditByMonth]
    /// Steps of jobs wait for other services and lock many letters. They have their own queue, so that decisions on single letters do not wait for them.
    private static let jobsQueue = "\(name).jobs"

    /// - Parameters:
    ///   - services: The services that can be asked what they have handled.
    ///   - ask: How they are asked.
    ///   - rules: What happens without an operator.
    ///   - transport: Delivers alerts to the webhook.
    public static func definition(
        services: [String] = [], ask: @escaping RequestClient.Ask = { _, _, _ in throw RequestClient.Unanswered.unroutable },
        rules: DeadLetterRules = DeadLetterRules(), transport: (any HTTPTransport)? = nil, clock: any WallClock
    ) -> ServiceDefinition {
        let reading = Reading()
        let deciding = Deciding(clock: clock)
        let jobs = Jobs(orders: JobOrders(ask: ask), clock: clock)
        let stepping = JobStepping(clock: clock)
        let following = Following(services: Set(services), ask: ask, clock: clock)
        let editing = Editing(clock: clock)
        let groups = GroupHandlers(clock: clock)
        let waiting = WaitingHandlers(clock: clock)
        let sending = AlertSending(webhook: rules.alert?.webhook, transport: transport, clock: clock)
        let running = AlertRunning(command: rules.alert?.command, clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .compositeQuery("deadletters.letters.list", reading: ListLetters.read, answer: reading.list),
                .query("deadletters.letters.get", reading: LetterPart.read, handle: reading.get),
                .command("deadletters.letters.replay", transaction: .own, reading: ReplayLetter.read, handle: deciding.replay),
                .command("deadletters.letters.discard", transaction: .own, reading: OneLetter.read, handle: deciding.discard),
                .command("deadletters.letters.restore", transaction: .own, reading: OneLetter.read, handle: deciding.restore),
                .command("deadletters.letters.edit", transaction: .own, reading: EditLetter.read, handle: editing.edit),
                .command("deadletters.letters.revert", transaction: .own, reading: OneLetter.read, handle: editing.revert),
                .command("deadletters.letters.import", transaction: .own, reading: ImportedLetter.read, handle: Importing(clock: clock).add),
                .query("deadletters.groups.list", reading: ListGroups.read, handle: groups.list),
                .command("deadletters.groups.change", transaction: .own, reading: GroupChange.read, handle: groups.change),
                .query("deadletters.stats.get", reading: Statistics.read, handle: Statistics(clock: clock).get),
                .query("deadletters.audit.list", reading: ListAudit.read, handle: AuditLog().list),
                .query("deadletters.waiting.list", reading: ListWaiting.read, handle: waiting.list),
                .command("deadletters.waiting.send", transaction: .own, reading: SendWaiting.read, handle: waiting.send),
                .command("deadletters.jobs.start", reading: StartJob.read, lookup: jobs.preview, handle: jobs.start),
                .query("deadletters.jobs.list", reading: ListJobs.read, handle: jobs.list),
                .compositeQuery("deadletters.jobs.get", reading: OneJob.read, answer: jobs.get),
                .command("deadletters.jobs.cancel", transaction: .own, reading: OneJob.read, handle: jobs.cancel),
                .command("deadletters.jobs.resume", transaction: .own, reading: OneJob.read, handle: jobs.resume),
                .command(MessageName.advanceJob, transaction: .own, reading: Operation.contract(AdvanceJob.self), handle: stepping.advance),
                .command(
                    MessageName.followReplays, reading: Operation.contract(FollowReplays.self), lookup: following.look,
                    handle: { try await following.settle($0, handled: $1, on: $2) }),
                AlertDelivery.operation(MessageName.sendAlert, sending.send),
                AlertDelivery.operation(MessageName.runAlertCommand, running.run),
                .findInInbox(of: name),
            ],
            pollers: [
                Poller(name: "letters to analyse", interval: Analysis.interval, find: Analysis.work),
                Poller(name: "old letters", interval: Retention.interval, find: Retention(clock: clock).work),
                Poller(name: "due steps of jobs", interval: JobStepping.interval, find: stepping.findDue),
                Poller(name: "replays without an outcome", interval: Following.interval, repeats: true, find: following.findDue),
                Poller(name: "letters to replay by rule", interval: AutomaticReplay.interval, find: AutomaticReplay(rule: rules.replay, clock: clock).findDue),
                Poller(name: "alerts", interval: Alerts.interval, find: Alerts(rule: rules.alert, clock: clock).findDue),
                Poller(name: "copies of waiting messages", interval: WaitingHandlers.interval, find: waiting.findCopies),
                Poller(name: "messages that have returned", interval: WaitingHandlers.interval, find: waiting.dropReturned),
                Poller(name: "months of the audit log", interval: AuditLog.interval, find: AuditLog.keep),
                Poller(name: "old jobs", interval: .seconds(3600), find: stepping.dropOld),
            ],
            queues: ["\(name).queries", "\(name).commands", jobsQueue],
            routes: [MessageName.advanceJob: jobsQueue, MessageName.followReplays: jobsQueue, MessageName.sendAlert: jobsQueue, MessageName.runAlertCommand: jobsQueue],
            sends: [MessageName.advanceJob, MessageName.followReplays] + Alerts.operations, asks: services.map(MessageName.findInInbox) + (services.isEmpty ? [] : [MessageName.orderStates]),
            replaysDeadLetters: true)
    }
}
