import Messaging

/// An operation that the console requests from a service. The broker lets the console's user publish only these.
package enum ConsoleOperation: String, CaseIterable, Sendable {
    case signIn = "users.sessions.create"
    case signOut = "users.sessions.deleteCurrent"
    case groups = "deadletters.groups.list"
    case changeGroup = "deadletters.groups.change"
    case letters = "deadletters.letters.list"
    case letter = "deadletters.letters.get"
    case replay = "deadletters.letters.replay"
    case discard = "deadletters.letters.discard"
    case restore = "deadletters.letters.restore"
    case edit = "deadletters.letters.edit"
    case revert = "deadletters.letters.revert"
    case letterStats = "deadletters.stats.get"
    case audit = "deadletters.audit.list"
    case jobs = "deadletters.jobs.list"
    case job = "deadletters.jobs.get"
    case startJob = "deadletters.jobs.start"
    case cancelJob = "deadletters.jobs.cancel"
    case resumeJob = "deadletters.jobs.resume"
    case waiting = "deadletters.waiting.list"
    case sendWaiting = "deadletters.waiting.send"
    case orders = "orders.orders.list"
    case checkouts = "orders.checkouts.list"
    case checkout = "orders.checkouts.get"
    case retryCheckout = "orders.checkouts.retry"
    case compensateCheckout = "orders.checkouts.compensate"
    case assignCheckout = "orders.checkouts.assign"
    case payments = "payments.unresolved.list"
    case settlePayment = "payments.unresolved.settle"
    case notifications = "notifications.notifications.list"
    case resendNotification = "notifications.notifications.resend"

    /// The operations whose bodies hold credentials, which are sealed for users.
    package static let sensitive: Set<String> = [signIn.rawValue]

    /// The durability that openapi.yaml declares, as for the ingress. Sealed messages are never stored.
    package var durability: Durability {
        switch self {
        case .signIn, .groups, .letters, .letter, .letterStats, .audit, .jobs, .job, .waiting, .orders, .checkouts, .checkout, .payments, .notifications: .query
        case .signOut, .changeGroup, .discard, .restore, .edit, .revert, .cancelJob, .resumeJob, .assignCheckout, .settlePayment, .resendNotification: .command
        case .replay, .startJob, .sendWaiting, .retryCheckout, .compensateCheckout: .durable
        }
    }
}
