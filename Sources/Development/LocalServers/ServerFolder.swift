import FoundationEssentials
import Logging
import Secrets
import Terminal

/// The folder of one server: its data, log, password and ports. Moving or deleting it moves or deletes the server.
public struct ServerFolder: Sendable {
    /// How much of a log an error quotes.
    static let quotedLogBytes = 4096

    public let path: String
    /// The account that owns the folder; nil for the account of this process.
    let account: String?

    /// Creates the folder, readable by its account alone, and any folder above it that is missing.
    /// - Throws: ``LocalServerError`` with code `folder`.
    public init(_ path: String, account: String? = nil) throws {
        self.path = FileManager.default.absolutePath(path)
        self.account = account
        do {
            try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
            try protect(self.path, mode: 0o700)
        } catch {
            throw LocalServerError(.folder, "Cannot create \(self.path): \(FileTrouble.reason(error)).")
        }
    }

    /// Where the server's own output goes.
    public var log: String { file("log") }

    public func file(_ name: String) -> String { "\(path)/\(name)" }

    func holds(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

    /// The end of the log, for error messages.
    public var endOfLog: String {
        guard let text = try? Data(contentsOf: URL(filePath: log), options: .mappedIfSafe) else { return "" }
        return String(decoding: text.suffix(Self.quotedLogBytes), as: UTF8.self)
    }

    /// Creates a folder inside, owned by the account.
    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
        try protect(file(name), mode: 0o700)
    }

    /// Writes a file that only the account may read.
    func write(_ text: String, to name: String) throws {
        do {
            // Created empty and closed to others first: a secret is never readable, not even for a moment.
            if !holds(name) {
                _ = FileManager.default.createFile(
                    atPath: file(name), contents: nil, attributes: [.posixPermissions: 0o600])
            }
            try protect(file(name), mode: 0o600)
            try Data(text.utf8).write(to: URL(filePath: file(name)))
        } catch {
            throw LocalServerError(.folder, "Cannot write \(file(name)): \(FileTrouble.reason(error)).")
        }
    }

    func read(_ name: String) -> String? {
        (try? Data(contentsOf: URL(filePath: file(name)))).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The folder's secret of that name: 256 random bits fit for a URL, generated once, kept in a file of mode 0600.
    func secret(_ name: String) throws -> String {
        if let known = read(name), !known.isEmpty { return known }
        let secret = SecureRandom.token()
        try write(secret, to: name)
        return secret
    }

    /// A port for each name: the one remembered in `ports.json` while it is free, otherwise a new one, which is logged.
    func ports(_ names: [String], logger: Logger?) throws -> [String: Int] {
        let known = read("ports.json").flatMap { try? JSONDecoder().decode([String: Int].self, from: Data($0.utf8)) } ?? [:]
        var ports: [String: Int] = [:]
        for name in names {
            if let port = known[name], FreePorts.claim(port, for: path) {
                ports[name] = port
                continue
            }
            let port = try FreePorts.next(for: path)
            ports[name] = port
            if let old = known[name] {
                logger?.notice(
                    "port is taken, another one is used",
                    metadata: ["folder": "\(path)", "port": "\(name)", "taken": "\(old)", "used": "\(port)"])
            }
        }
        try write(String(decoding: JSONEncoder().encode(ports), as: UTF8.self), to: "ports.json")
        return ports
    }

    private func protect(_ path: String, mode: Int) throws {
        var attributes: [FileAttributeKey: Any] = [.posixPermissions: mode]
        if let account { attributes[.ownerAccountName] = account }
        try FileManager.default.setAttributes(attributes, ofItemAtPath: path)
    }
}

extension FileManager {
    func absolutePath(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(currentDirectoryPath)/\(path)"
    }
}
