/// The problem types of the document: `x-problems` among its components.
struct ProblemCatalogue {
    struct ProblemType {
        /// The last part of the URI in `type`, which is the same in all of them otherwise.
        let name: String
        let status: String
        let description: String
    }

    static let key = "x-problems"
    static let base = "https://wharf.dev/problems/"

    let types: [ProblemType]

    init(_ document: DocumentNode) throws(OpenAPIError) {
        var types: [ProblemType] = []
        for (name, problem) in try document.value("components")?.value(Self.key)?.entries() ?? [] {
            types.append(
                ProblemType(name: name, status: try problem.required("status").text(), description: try problem.required("description").text()))
        }
        self.types = types
    }

    /// The problem types that an operation lists as its own. Throws for a type that the catalogue does not have.
    func types(of operation: DocumentNode) throws(OpenAPIError) -> [ProblemType] {
        var found: [ProblemType] = []
        for name in try operation.value(Self.key)?.elements() ?? [] {
            let text = try name.text()
            guard let type = types.first(where: { $0.name == text }) else { throw name.error("'\(text)' is not among the problem types of the components") }
            found.append(type)
        }
        return found
    }
}
