import FoundationEssentials
import Orders
import ShopClient

extension AuditedOrder {
    /// An order that has not ended is driven on by a deadline that has not passed.
    var deadlineFindings: [Finding] {
        guard let saga else { return [finding(.deadlines, "has no saga: nothing will bring it to an end")] }
        guard let fate = saga.fate else { return [finding(.deadlines, "is in the phase '\(saga.phase)', which this version does not know")] }
        guard fate == .open else { return [] }
        guard let dueAt = saga.dueAt else { return [finding(.deadlines, "is \(saga.phase) and has no deadline: nothing will drive it on")] }
        return [
            Finding(
                .deadlines, "order \(id.text)", "\(number) is \(saga.phase) and was due at \(dueAt.ISO8601Format()); are orders' workers running?",
                unchangedSince: dueAt)
        ]
    }
}
