@testable import Operations

extension Settings {
    /// With URLs of their own for a few services.
    private static let services = ["catalog", "carts", "orders", "ingress", "audit"]

    init(environment: [String: String]) throws(SettingError) {
        try self.init(environment: environment, services: Self.services)
    }

    static func readingFiles(_ environment: [String: String]) throws(SettingError) -> [String: String] {
        try readingFiles(environment, services: services)
    }
}
