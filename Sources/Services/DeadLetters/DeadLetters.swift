public import Messaging
public import PostgreSQL
import Runtime

/// Dead letters: messages that could not be handled, kept visible with their causes until an administrator replays or discards them.
///
/// ``DeadLetterCollector`` stores them; these operations are for administrators.
public enum DeadLettersService {
    public static let name = "deadletters"
    public static let migrations = Inbox.migrations + Schema.migrations

    public static func definition(clock: any WallClock) -> ServiceDefinition {
        let reading = Reading()
        let deciding = Deciding(clock: clock)
        let editing = Editing(clock: clock)
        let groups = GroupHandlers(clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .query("deadletters.letters.list", reading: ListLetters.read, handle: reading.list),
                .query("deadletters.letters.get", reading: OneLetter.read, handle: reading.get),
                .command("deadletters.letters.replay", reading: ReplayLetter.read, handle: deciding.replay),
                .command("deadletters.letters.discard", reading: OneLetter.read, handle: deciding.discard),
                .command("deadletters.letters.restore", reading: OneLetter.read, handle: deciding.restore),
                .command("deadletters.letters.edit", reading: EditLetter.read, handle: editing.edit),
                .command("deadletters.letters.revert", reading: OneLetter.read, handle: editing.revert),
                .command("deadletters.letters.import", reading: ImportedLetter.read, handle: Importing(clock: clock).add),
                .query("deadletters.groups.list", reading: ListGroups.read, handle: groups.list),
                .command("deadletters.groups.change", reading: GroupChange.read, handle: groups.change),
                .query("deadletters.stats.get", reading: Statistics.read, handle: Statistics(clock: clock).get),
                .query("deadletters.audit.list", reading: ListAudit.read, handle: AuditLog().list),
            ],
            pollers: [
                Poller(name: "letters to analyse", interval: Analysis.interval, find: Analysis.work),
                Poller(name: "old letters", interval: Retention.interval, find: Retention(clock: clock).work),
            ],
            replaysDeadLetters: true)
    }
}
