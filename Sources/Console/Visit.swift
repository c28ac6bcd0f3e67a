import Contracts
import FoundationEssentials
import Operator

/// An administrator's request to a page, with the services that answer it.
struct Visit: Sendable {
    /// The named segments of the path.
    var path: [String: String] = [:]
    let query: Form
    /// The fields of the form; empty for a request without one.
    var form = Form()
    let person: Caller
    let services: Services
    /// The services from which letters may come.
    let serviceNames: [String]
    /// Nil if the management API is not configured.
    var broker: BrokerView?
    let page: PageContext

    var now: Date { page.now }

    /// The `id` of the path.
    var id: String { path["id"] ?? "" }
}

/// The context in which a page is rendered.
struct PageContext: Sendable {
    let now: Date
    /// Nil before the sign-in.
    let person: String?
    let token: FormToken
    /// The id of the request that a form of this page makes, so that a form sent twice takes effect once.
    let requestID: String
    /// The change that was just made.
    var notice: Notice?
}

/// The effect of a form, which the next page shows.
enum Notice: String, Sendable, CaseIterable {
    case replayed, discarded, restored, edited, reverted, changed, cancelled, resumed, retried, compensated, assigned, settled, resent, sent
    case settledOnly = "settled-only"
    case noneSent = "none-sent"

    static let field = "done"

    var text: String {
        switch self {
        case .replayed: "The message was sent back to its queue. This page shows the outcome once it is known."
        case .discarded: "The letter was discarded. It is kept and can be restored."
        case .restored: "The letter is open again."
        case .edited: "The new body was saved. A replay sends it."
        case .reverted: "The edit was removed. A replay sends the original."
        case .changed: "The group was changed."
        case .cancelled: "The job was cancelled. Letters that it had not acted on are unchanged."
        case .resumed: "The job was resumed at its first rate."
        case .retried: "The step was requested again."
        case .compensated: "The order is being given up."
        case .assigned: "The assignment was changed."
        case .settled: "The decision was recorded."
        case .settledOnly: "The decision was recorded, but its dead letter could not be closed. Replay that letter to close it."
        case .resent: "The notification will be sent again."
        case .sent: "The messages are sent now. Those that fail again are listed as waiting again."
        case .noneSent: "No message was sent: none that matches can be sent now."
        }
    }
}

/// A page before its layout.
struct Page: Sendable {
    var status = 200
    let title: String
    let section: Section?
    let content: Markup
    /// Seconds after which the page is reloaded; nil for a page without progress.
    var reload: Int?
}

/// The parts of the console, in the order of its navigation.
enum Section: String, Sendable, CaseIterable {
    case overview, groups, letters, waiting, jobs, checkouts, payments, notifications

    var title: String {
        switch self {
        case .overview: "Overview"
        case .groups: "Groups"
        case .letters: "Dead letters"
        case .waiting: "Waiting"
        case .jobs: "Jobs"
        case .checkouts: "Checkouts"
        case .payments: "Payments"
        case .notifications: "Notifications"
        }
    }

    var path: String { self == .overview ? Link.root : Link.to(rawValue) }
}

/// The outcome of a visit.
enum Outcome: Sendable {
    case page(Page)
    /// A redirect to another page of the console.
    case redirect(String)

    static func done(_ notice: Notice, _ path: String...) -> Outcome { .redirect(Link.to(path, query: [Notice.field: notice.rawValue])) }
}
