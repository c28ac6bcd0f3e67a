extension String {
    /// A base URL in the form that paths are appended to.
    package var withoutTrailingSlash: String { hasSuffix("/") ? String(dropLast()) : self }
}
