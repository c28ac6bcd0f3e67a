/// What an SQLSTATE (PostgreSQL's appendix A) says about the message whose handling raised it.
///
/// Only an error that blames the message itself may dead-letter it at the first attempt. Anything else may have passed by the next one: a switchover,
/// a pending migration, a statement that was cancelled, a bug that the next version does not have.
enum SQLStateBlame: Equatable {
    /// The message contains values that the database can never accept.
    case message
    /// As `message`, unless another transaction was in the way: then it passes at once.
    case messageOrRace
    /// Another transaction was in the way.
    case race
    /// The server as a whole is unavailable at the moment: no message at all can be handled.
    case server
    /// It may succeed later; its neighbours succeed without it.
    case circumstances

    init(_ sqlState: String) {
        // The longest match wins.
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
        "0A000": .race,  // a prepared statement that a migration made stale; any other cause goes to the retry ladder
        "23505": .messageOrRace,  // another transaction may have inserted the unique row first
        "23P01": .messageOrRace,  // an exclusion constraint, the same
        "25006": .server,  // read only: a standby, or a primary that has become one
        "25P03": .server,  // this session was idle in a transaction for too long and was terminated
        "25P04": .server,  // its transaction was open for too long and was terminated
        "26000": .race,  // the prepared statement is gone
        "53200": .circumstances,  // out of memory: messages handled one by one may fit
        "53400": .circumstances,  // a limit of this session
        "57P01": .server,  // the server shuts down
        "57P02": .server,  // it has crashed
        "57P03": .server,  // it starts up
        "57P04": .server,  // the database was dropped
        "57P05": .server,  // the session was idle for too long and was terminated
    ]
}
