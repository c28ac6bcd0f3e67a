import Glibc

/// `<NAME>_FILE`: a file that contains a setting, as Docker and Kubernetes mount secrets. A running role reads it again when it has changed (``LiveSettings``).
enum SecretFile {
    /// Larger than any URL or key; a device or a log given by mistake is not read into memory.
    static let maximumBytes = 64 << 10

    static func variable(_ name: String) -> String { "\(name)_FILE" }

    /// The exact content of the file; nil when none is named.
    /// - Throws: ``SettingError`` when the setting is given twice, or the file is not one line of text without white space around it.
    static func read(for name: String, in environment: [String: String]) throws(SettingError) -> String? {
        let variable = variable(name)
        guard let path = environment[variable], !path.isEmpty else { return nil }
        func refuse(_ reason: String) -> SettingError {
            SettingError(
                name: variable, given: "\"\(path)\"", reason: reason,
                accepted: "the path of a file that holds the value of \(name) and nothing else, not even a line break at its end")
        }
        guard environment[name, default: ""].isEmpty else { throw refuse("\(name) is set as well") }
        guard let bytes = contents(of: path) else { throw refuse("the file cannot be read") }
        guard bytes.count <= maximumBytes else { throw refuse("the file is larger than \(maximumBytes) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refuse("the file is not UTF-8 text") }
        guard let first = text.first, let last = text.last else { throw refuse("the file is empty") }
        guard !first.isWhitespace, !last.isWhitespace else { throw refuse("there is white space around the value in the file") }
        return text
    }

    /// At most one byte more than is allowed, which is enough to detect an oversized file.
    static func contents(of path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= maximumBytes {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 { return nil }
            if count == 0 { break }
            bytes += buffer.prefix(count)
        }
        return bytes
    }
}
