import FoundationEssentials
import Notifications
import Synchronization

/// Counts the mails that were sent.
final class MailBook: Sendable {
    private let sent = Mutex<[UUID: Int]>([:])

    func add(_ id: UUID) {
        sent.withLock { $0[id, default: 0] += 1 }
    }

    /// How often each mail was sent, by its id.
    var all: [UUID: Int] { sent.withLock { $0 } }
}

/// One notifications process's connection to the mail server.
struct SimulatedMail: MailTransport {
    let book: MailBook
    let process: SimulatedProcess
    let faults: Faults

    func send(_ mail: Mail) async throws(DeliveryError) {
        await process.check()
        if faults.strikes(.mailFails) { throw DeliveryError("the mail server does not answer", .unavailable) }
        book.add(mail.id)
        await process.pass(.mail)
    }
}
