import FoundationEssentials
import Glibc
import JSON
import Operator
import Terminal

/// The user's editor.
struct TextEditor: Sendable {
    /// A shell command, to which the path of the file is appended.
    var command = "${VISUAL:-${EDITOR:-vi}}"

    /// JSON is indented for the editor, and compact again afterwards, as services send it. The file ends with the editor, unless it cannot be used: then a file that has changed is kept. A file that is
    /// resumed always stays.
    /// - Parameter file: A file that was kept after an earlier edit of the text, to be opened instead of the text.
    /// - Throws: ``DeadLettersFailure`` if the editor fails, or if a JSON body is no longer JSON.
    func edited(_ text: String, resuming file: String? = nil) async throws -> String {
        try await blocking {
            let path = try file ?? Self.file(with: text)
            let before = FileManager.default.contents(atPath: path)
            guard before != nil else { throw DeadLettersFailure("\(path.printable) cannot be read.") }
            do {
                let result = try edit(path, isJSON: Self.isJSON(text))
                if file == nil { try? FileManager.default.removeItem(atPath: path) }
                return result
            } catch let error as DeadLettersFailure {
                if file == nil, FileManager.default.contents(atPath: path) == before {
                    try? FileManager.default.removeItem(atPath: path)
                    throw error
                }
                throw Self.kept(path, after: error)
            }
        }
    }

    /// Keeps the edited text in a file, and returns an error that names the file.
    /// - Parameter file: The file that has been resumed, which still contains the text.
    static func keeping(_ text: String, in file: String? = nil, after error: any Error) -> DeadLettersFailure {
        do { return kept(try file ?? Self.file(with: text), after: error) } catch let other { return DeadLettersFailure("\(error)\n\(other)") }
    }

    private static func kept(_ path: String, after error: any Error) -> DeadLettersFailure {
        DeadLettersFailure("\(error)\nYour text is in \(path.printable) and can be opened again: wharf dead-letters edit ID --resume FILE")
    }

    private static func isJSON(_ text: String) -> Bool { (try? JSON.decode(JSONValue.self, from: Array(text.utf8))) != nil }

    /// A new file for the editor. Only the owner may read it: it may contain a customer's data.
    private static func file(with text: String) throws -> String {
        let isJSON = isJSON(text)
        let shown = isJSON ? PrettyJSON.lines(of: text).joined(separator: "\n") + "\n" : text
        let path = "\(FileManager.default.temporaryDirectory.path)/wharf-letter-\(UUID().uuidString)\(isJSON ? ".json" : ".txt")"
        guard FileManager.default.createFile(atPath: path, contents: Data(shown.utf8), attributes: [.posixPermissions: 0o600]) else {
            throw DeadLettersFailure("\(path) cannot be written.")
        }
        return path
    }

    private func edit(_ path: String, isJSON: Bool) throws -> String {
        guard try Self.run(["/bin/sh", "-c", "exec \(command) \"$1\"", "sh", path]) == 0 else { throw DeadLettersFailure("The editor failed. Nothing was changed.") }
        guard let bytes = FileManager.default.contents(atPath: path) else { throw DeadLettersFailure("The edited file is gone. Nothing was changed.") }
        guard let edited = String(validating: bytes, as: UTF8.self) else { throw DeadLettersFailure("The edited body is not UTF-8. Nothing was changed.") }
        guard isJSON else { return edited }
        guard let value = try? JSON.decode(JSONValue.self, from: Array(edited.utf8)) else { throw DeadLettersFailure("The edited body is not JSON. Nothing was changed.") }
        return String(decoding: try JSON.encode(value), as: UTF8.self)
    }

    /// Runs a program on this terminal, and returns its wait status.
    private static func run(_ arguments: [String]) throws -> Int32 {
        var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var child = pid_t()
        guard let program = arguments.first, unsafe posix_spawn(&child, program, nil, nil, &pointers, environ) == 0 else { throw DeadLettersFailure("The editor cannot be started.") }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 { guard errno == EINTR else { return -1 } }
        return status
    }
}
