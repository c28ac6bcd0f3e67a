/// A setting that cannot be used. It stops the process at start, with exit status 78 (EX_CONFIG).
public struct SettingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The environment variable.
    public let name: String
    /// The given value in a form that can be shown: secrets are hidden, URLs are without their password.
    public let given: String
    /// Why it cannot be used, if there is more to say than what would be accepted; otherwise empty. Quotes no part of the value.
    public var reason = ""
    /// What would be accepted.
    public let accepted: String

    public var description: String {
        "\(name) is \(given)\(reason.isEmpty ? "" : ": \(reason)"); accepted is \(accepted)"
    }
}
