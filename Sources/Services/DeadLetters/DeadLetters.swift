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
        return ServiceDefinition(
            name: name,
            operations: [
                .query("deadletters.letters.list", reading: ListLetters.read, handle: reading.list),
                .query("deadletters.letters.get", reading: OneLetter.read, handle: reading.get),
                .command("deadletters.letters.replay", reading: ReplayLetter.read, handle: deciding.replay),
                .command("deadletters.letters.discard", reading: OneLetter.read, handle: deciding.discard),
                .command("deadletters.letters.restore", reading: OneLetter.read, handle: deciding.restore),
            ], replaysDeadLetters: true)
    }
}
