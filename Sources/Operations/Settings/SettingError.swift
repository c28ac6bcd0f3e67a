/// A setting that cannot be used. It stops the process at start, with exit status 78 (EX_CONFIG).
public struct SettingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The environment variable.
    public let name: String
    /// What was given, fit to be shown: secrets are hidden, URLs are without their password.
    public let given: String
    /// What would be accepted.
    public let accepted: String

    public var description: String {
        "\(name) is \(given); accepted is \(accepted)"
    }
}
