/// What an SQLSTATE (PostgreSQL's appendix A) says about the message in whose handling it came up.
///
/// Only what blames the message itself may make a dead letter of it at the first attempt. Everything else may be over by the next one: a switchover, a
/// migration that has yet to run, a statement that somebody cancelled, a bug that the next version does not have.
enum SQLStateBlame: Equatable {
    /// The message holds values that the database can never take.
    case message
    /// As `message`, unless another transaction was in the way: then it is over at once.
    case messageOrRace
    /// Another transaction was in the way.
    case race
    /// The server as a whole does not serve at the moment: no message can be handled, whichever it is.
    case server
    /// It may go through later; its neighbours go through without it.
    case circumstances

    init(_ sqlState: String) {
        // The longest entry counts.
        self = Self.codes[sqlState] ?? Self.classes[String(sqlState.prefix(2))] ?? .circumstances
    }

    private static let classes: [String: SQLStateBlame] = [
        "08": .server,  // connection exception
        "22": .message,  // data exception
        "23": .message,  // integrity constraint violation
        "28": .server,  // invalid authorization: credentials are being changed
        "3D": .server,  // no such database
        "40": .race,  // serialization failure, deadlock
        "53": .server,  // out of disk, of connections
    ]

    private static let codes: [String: SQLStateBlame] = [
        "0A000": .race,  // a prepared statement that a migration made stale; otherwise it climbs the ladder
        "23505": .messageOrRace,  // a unique row that somebody else wrote first
        "23P01": .messageOrRace,  // an exclusion constraint, the same
        "25006": .server,  // read only: a standby, or a primary that has become one
        "25P03": .server,  // this session was idle in a transaction for too long, and was ended
        "25P04": .server,  // its transaction was open for too long, and was ended
        "26000": .race,  // the prepared statement is gone
        "53200": .circumstances,  // out of memory: one by one may fit
        "53400": .circumstances,  // a limit of this session
        "57P01": .server,  // the server shuts down
        "57P02": .server,  // it has crashed
        "57P03": .server,  // it starts up
        "57P04": .server,  // the database was dropped
        "57P05": .server,  // the session was idle for too long, and was ended
    ]
}
