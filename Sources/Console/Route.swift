import Messaging

/// A page or a form of the console.
struct Route: Sendable {
    typealias Handle = @Sendable (Visit) async throws -> Outcome

    enum Method: Sendable { case get, post }

    let method: Method
    private let segments: [Substring]
    let section: Section?
    let handle: Handle

    /// - Parameter path: The path below the root; `:name` stands for a segment.
    init(_ method: Method, _ path: String, _ section: Section?, _ handle: @escaping Handle) {
        self.method = method
        segments = path.split(separator: "/")
        self.section = section
        self.handle = handle
    }

    /// The named segments; nil if the path does not match.
    func match(_ path: [String]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var names: [String: String] = [:]
        for (segment, given) in zip(segments, path) {
            if segment.hasPrefix(":") {
                guard !given.isEmpty else { return nil }
                names[String(segment.dropFirst())] = given
            } else if segment != given {
                return nil
            }
        }
        return names
    }

    /// All routes of the console. The first match is used.
    static let all: [Route] = {
        let letters = GroupsPage.routes + LettersPage.routes + LetterPage.routes + WaitingPage.routes + JobsPage.routes + JobPage.routes
        let orders = CheckoutsPage.routes + CheckoutPage.routes + PaymentsPage.routes + NotificationsPage.routes
        return [Route(.get, "", .overview, Overview.show)] + letters + orders
    }()
}
